"""The pages over HTTP: read-only, of bounded size, and with the headers that keep a browser from making more of them.

Only GET and HEAD are answered, and only for the pages of `health`; whatever else is asked, and however, gets an error without a body of
ours. `app` has Faust serve this, in a thread of its own.
"""

import logging
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from stream import webpage
from stream.health import PAGES, Page
from stream.logs import log
from stream.parts import Parts

METRICS = "/metrics"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Server": "scamsieve",  # aiohttp would tell its version, and Python's
}
STYLED = f"{webpage.POLICY}; frame-ancestors 'none'"  # the policy of a page in HTML: its own style, and nothing else
_UNHEARD = logging.Logger("pages", logging.CRITICAL + 1)  # aiohttp would log what is wrong with a request, in the asker's own bytes
LIMITS: dict[str, Any] = {
    "max_line_size": 2048,  # bytes of the request's first line
    "max_field_size": 4096,  # bytes of one header
    "max_headers": 64,
    "keepalive_timeout": 75.0,  # seconds without a whole request; a scrape every minute keeps its connection
    "lingering_time": 1.0,  # seconds that a body, which nobody reads, is taken off the wire
    "logger": _UNHEARD,
}
"""What is asked of the server: a request is one line and a few headers."""


def application(parts: Parts) -> web.Application:
    """The pages of a worker; with a port for metrics, /metrics is there alone, and nowhere else."""
    pages = web.Application(middlewares=[_guard(parts.settings.metrics_port)], client_max_size=1)
    for path, page in PAGES.items():
        pages.router.add_get(path, _handler(page, parts), name=page.__name__)
    return pages


def _guard(metrics_port: int) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.can_read_body:
            answer: web.StreamResponse = web.Response(status=413)
            answer.force_close()
        elif metrics_port and (request.path == METRICS) != (_port(request) == metrics_port):
            answer = web.Response(status=404)
        else:
            try:
                answer = await handler(request)
            except web.HTTPException as refused:
                answer = web.Response(status=refused.status, headers={k: v for k, v in refused.headers.items() if k == "Allow"})
            except Exception as error:  # noqa: BLE001 the log tells its type; its text could hold anything
                log.error("a page failed", page=str(request.match_info.route.name), exception=type(error).__name__)
                answer = web.Response(status=500)
        answer.headers.update(HEADERS)
        if answer.content_type == "text/html":
            answer.headers["Content-Security-Policy"] = STYLED
        return answer

    return guard


def _port(request: web.Request) -> int:
    """The port that was asked."""
    return int(request.transport.get_extra_info("sockname")[1]) if request.transport else 0


def _handler(page: Callable[[Parts, str], Page], parts: Parts) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        answer = page(parts, request.headers.get("Accept", ""))
        return web.Response(body=answer.body, status=answer.status, headers={"Content-Type": answer.content_type})

    return handle
