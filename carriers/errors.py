# SPDX-License-Identifier: Apache-2.0
"""Transient or terminal, and lost or not: decided here and nowhere else."""

from typing import Final

import httpx


class CarrierError(Exception):
    """A call to a carrier that gave no usable answer.

    ``is_transient``: the same call may succeed later without anybody changing anything.
    ``is_answer_lost``: the carrier may have acted on the request although we did not hear so.
    ``retry_after_s``: how long the carrier asked us to wait, where it said so.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        is_transient: bool,
        is_answer_lost: bool = False,
        retry_after_s: float | None = None,
        raw: bytes = b"",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.is_transient = is_transient
        self.is_answer_lost = is_answer_lost
        self.retry_after_s = retry_after_s
        self.raw = raw


# These fail before the first byte of the request leaves, so nothing can have happened at the carrier.
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
# These are mistakes in our own settings or code, which waiting does not repair.
_OUR_FAULT: Final = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
# Statuses after which the server may or may not have finished the work.
_AMBIGUOUS: Final = frozenset({408, 425})


def from_transport(error: httpx.RequestError) -> CarrierError:
    """What a failed exchange means; anything that is not known to be unsent counts as sent."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, _NOT_SENT):
        return CarrierError("not_sent", text, is_transient=True)
    if isinstance(error, _OUR_FAULT):
        return CarrierError("bad_request_setup", text, is_transient=False)
    code = "timeout" if isinstance(error, httpx.TimeoutException) else "connection_lost"
    return CarrierError(code, text, is_transient=True, is_answer_lost=True)


def from_status(
    response: httpx.Response, *, code: str = "", message: str = "", forbidden_means_throttled: bool = False
) -> CarrierError:
    """What an answer without a usable body means.

    Some carriers' firewalls answer 403 when a limit is passed; ``forbidden_means_throttled`` says so.
    """
    status = response.status_code
    text = message or f"The carrier answered {status}."
    if status >= 500 or status in _AMBIGUOUS:
        return CarrierError(code or "carrier_fault", text, is_transient=True, is_answer_lost=True, raw=response.content)
    if status == 429 or (status == 403 and forbidden_means_throttled):
        return CarrierError(
            code or "rate_limited",
            text,
            is_transient=True,
            retry_after_s=_retry_after_s(response),
            raw=response.content,
        )
    return CarrierError(code or f"http_{status}", text, is_transient=False, raw=response.content)


def unreadable(what: str, raw: bytes) -> CarrierError:
    """A success status with a body that we cannot read: the carrier acted, and we do not know how."""
    return CarrierError("unreadable_answer", what, is_transient=False, is_answer_lost=True, raw=raw)


def unsupported(carrier: str, what: str) -> CarrierError:
    """A method that this carrier does not have; ask ``capabilities`` first."""
    return CarrierError("unsupported", f"The carrier {carrier} cannot {what}.", is_transient=False)


def _retry_after_s(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() else None
