# SPDX-License-Identifier: Apache-2.0
"""The outermost layer of every request, also of those that lead nowhere: its id, its log line, its metrics, and the
headers that keep a browser from doing harm with the answer."""

import re
from time import perf_counter
from typing import Final

import structlog
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from wms.platform import metrics
from wms.platform.ids import uuid7

log = structlog.get_logger()

DOORS: Final = {"v1": "brand", "floor": "floor", "t": "portal", "carriers": "callbacks", "docs": "docs"}
QUIET: Final = frozenset({"/health/live", "/health/ready", "/metrics"})
# Nothing inline, nothing from elsewhere.
CONTENT_SECURITY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# `no-referrer` would make browsers send `Origin: null` with our own forms; this tells other sites as little.
_HEADERS: Final = {"x-content-type-options": "nosniff", "referrer-policy": "same-origin"}
# What a caller sends is repeated in logs and answers, so it is taken only in a form that cannot do harm there.
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")


class Door:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["state"]["request_id"] = request_id
        started = perf_counter()
        status = 500

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(MutableScopeHeaders.from_message(message), request_id)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, send_on)
            finally:
                _tell(scope, status, perf_counter() - started)


def _request_id(scope: HTTPScope) -> str:
    sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return sent.decode() if _REQUEST_ID.fullmatch(sent) else str(uuid7())


def _add_headers(headers: MutableScopeHeaders, request_id: str) -> None:
    headers["x-request-id"] = request_id
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    kind = headers.get("content-type", "")
    if kind.startswith("text/html"):
        headers.setdefault("content-security-policy", CONTENT_SECURITY)
    if kind.startswith(("text/html", "application/json", "application/problem+json", "application/pdf")):
        headers.setdefault("cache-control", "no-store")


def _tell(scope: HTTPScope, status: int, seconds: float) -> None:
    """Counts and logs the request. Addresses carry references and tokens, so only their pattern is logged."""
    route = scope.get("path_template") or "-"
    if route in QUIET and status < 500:
        return
    door = DOORS.get(scope["path"].split("/", 2)[1], "other")
    metrics.REQUESTS.labels(door, scope["method"], str(status)).inc()
    metrics.REQUEST_SECONDS.labels(door).observe(seconds)
    key = getattr(scope.get("auth"), "public_id", None)
    log.info(
        "request",
        door=door,
        method=scope["method"],
        route=route,
        status=status,
        ms=round(seconds * 1000, 1),
        key=key,
    )
