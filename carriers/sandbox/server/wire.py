# SPDX-License-Identifier: Apache-2.0
"""Between HTTP and the office: reading bodies, writing answers, and failing on purpose."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Any, Final, TypeVar

from litestar import Request, Response
from litestar.datastructures import State
from pydantic import BaseModel, ValidationError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from carriers.sandbox.server.answers import Answer, RefusalError
from carriers.sandbox.server.faults import Operation
from carriers.sandbox.server.office import Office

_ABORT: Final = "sandbox.abort"
Wire = Request[Any, Any, State]
Body = TypeVar("Body", bound=BaseModel)


class AbortableProtocol(HttpToolsProtocol):
    """HTTP whose handlers can tear the connection down without an answer."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope[_ABORT] = self._abort

    def _abort(self) -> None:
        # Lingering for no time makes the kernel send a reset instead of an orderly end.
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


def office_of(request: Wire) -> Office:
    """The office that this server runs."""
    office: Office = request.app.state["office"]
    return office


def account_of(request: Wire) -> str:
    """The account whose key the request carries; refused with 401 without one."""
    return office_of(request).account(request.headers.get("x-api-key", ""))


async def read(request: Wire, shape: type[Body]) -> Body:
    """The JSON body in its shape, or a refusal that names what is wrong without repeating it."""
    try:
        return shape.model_validate_json(await request.body())
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise RefusalError(400, "bad_body", faults) from error


def reply(answer: Answer) -> Response[bytes]:
    """An answer as HTTP."""
    return Response(answer.body, status_code=answer.status_code, media_type="application/json")


def reply_refusal(_: Wire, refusal: RefusalError) -> Response[bytes]:
    """The exception handler for refusals."""
    return reply(refusal.answer())


async def perform(request: Wire, operation: Operation, work: Callable[[str | None], Answer]) -> Response[bytes]:
    """Do the work and answer, unless a fault strikes before or after it; ``work`` is told the fault."""
    fault = office_of(request).faults.draw(operation)
    kind = None if fault is None else fault.kind
    wait_s = 0.0 if fault is None else fault.delay_s
    match kind:
        case "error_500_before":
            return reply(_broken())
        case "rate_limited_429":
            return _rate_limited()
        case "timeout_before":
            await _wait(wait_s)
            return reply(_broken())
    answer = await asyncio.to_thread(work, kind)
    match kind:
        case "error_500_after_success":
            return reply(_broken())
        case "timeout_after_success":
            await _wait(wait_s)
        case "connection_reset_after_success":
            request.scope[_ABORT]()  # type: ignore[typeddict-item]
    return reply(answer)


async def _wait(seconds: float) -> None:
    # The end of the server cuts the wait short, and the answer goes out after all.
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(seconds)


def _broken() -> Answer:
    return RefusalError(500, "internal", "Something broke at the carrier.").answer()


def _rate_limited() -> Response[bytes]:
    answer = RefusalError(429, "rate_limited", "Too many requests; try again in a second.").answer()
    return Response(answer.body, status_code=429, headers={"retry-after": "1"}, media_type="application/json")
