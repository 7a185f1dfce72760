"""Parts of addresses."""

from __future__ import annotations

from django.urls.converters import IntConverter


class RowNumber(IntConverter):
    """A primary key: what is longer than any cannot be one, and no database is asked."""

    regex = "[0-9]{1,18}"
