"""`python -m egx_project.test_backend --host 127.0.0.1 --port N [--instance ID]`"""

from __future__ import annotations

import argparse
import contextlib
import logging
import re
import socket
import sys

import uvicorn

from egx_project.test_backend.app import Backend

KEEP_ALIVE = 24 * 3600
"""Seconds. Longer than any proxy keeps an idle connection: were the backend first to close, the proxy could
send a request into a closed connection, and the test would count a loss that is the backend's."""
LARGEST_WEBSOCKET_MESSAGE = 4 * 1024 * 1024


def main(argv: list[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        listener = _listen(arguments.host, arguments.port)
    except OSError as error:
        print(  # noqa: T201
            f"test backend: cannot listen on {arguments.host}:{arguments.port}: {error}", file=sys.stderr
        )
        return 1
    port = listener.getsockname()[1]
    instance = arguments.instance or f"backend-{port}"
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    print(f"test backend {instance} on {arguments.host}:{port}", file=sys.stderr, flush=True)  # noqa: T201
    server = uvicorn.Server(_config(Backend(instance)))
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    return 0


def _config(app: Backend) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=3,
        ws_max_size=LARGEST_WEBSOCKET_MESSAGE,
        ws_per_message_deflate=False,
        backlog=2048,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on and each answer waits 40 ms for an acknowledgement.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
        opened.listen(2048)
    except OSError:
        opened.close()
        raise
    return opened


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m egx_project.test_backend", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, required=True, help="0 takes a free one and prints it")
    parser.add_argument("--instance", type=_instance, help="what the answers call this backend")
    return parser.parse_args(argv)


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:  # noqa: PLR2004
        raise argparse.ArgumentTypeError("must be from 0 to 65535")
    return int(text)


def _instance(text: str) -> str:
    if not re.fullmatch(r"[!-~]{1,100}", text):
        raise argparse.ArgumentTypeError("must be 1 to 100 printable ASCII characters without spaces")
    return text


if __name__ == "__main__":
    sys.exit(main())
