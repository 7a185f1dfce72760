"""Parameters that several addresses take, as the API's description has them."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

NAMESPACE = OpenApiParameter(
    "namespace", OpenApiTypes.STR, description="Where it is; `default` for what is new, and where one name is enough."
)
TARGET = OpenApiParameter("target", OpenApiTypes.STR, description="Where a new gateway runs; `local` if not given.")
IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag of what was read: 412, and nothing is done, where it is another by now.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Reading: the ETag of what one has, 304 where it is the same. Writing: `*`, only where there is none.",
)
ETAG = OpenApiParameter(
    "ETag",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The same as long as the object says the same.",
    response=[200, 304],
)
