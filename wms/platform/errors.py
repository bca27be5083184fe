# SPDX-License-Identifier: Apache-2.0
"""Refusals. Each is typed, carries its own data, and becomes HTTP or a sentence on a screen at the door."""

from typing import Any, ClassVar


class WmsError(Exception):
    """A refusal that its reader can act on.

    ``status`` is the HTTP status that the API answers, ``code`` the stable word that programs compare,
    ``detail`` one sentence for people, ``extra`` further members of the problem document (RFC 9457).
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"

    def __init__(self, detail: str, **extra: Any) -> None:
        self.detail = detail
        self.extra = extra
        super().__init__(detail)


class Invalid(WmsError):
    """The request is understood but what it says cannot be true."""

    status = 400
    code = "invalid"


class NotFound(WmsError):
    """There is no such thing for this caller; another tenant's thing looks just the same."""

    status = 404
    code = "not_found"


class Conflict(WmsError):
    """The thing exists but its state does not allow this."""

    status = 409
    code = "conflict"


class Denied(WmsError):
    """The caller is known and may not do this."""

    status = 403
    code = "denied"


class Unauthenticated(WmsError):
    """The caller did not prove who they are."""

    status = 401
    code = "unauthenticated"


class Unavailable(WmsError):
    """A part that this needs does not answer now; asking again later is right."""

    status = 503
    code = "unavailable"
