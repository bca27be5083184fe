# SPDX-License-Identifier: Apache-2.0
"""Every refusal as a problem document (RFC 9457), made in this one place."""

from http import HTTPStatus
from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ExceptionHandlersMap
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from wms.platform.errors import Invalid, Unauthenticated, Unavailable, WmsError
from wms.platform.idempotency import KeyInFlight
from wms.platform.validation import ERRORS_MAX, FieldError, field_errors

log = structlog.get_logger()
MEDIA_TYPE: Final = "application/problem+json"
# Long enough for a lock to be freed or a connection to come back, short enough not to be felt.
RETRY_AFTER_SECONDS: Final = "1"


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str = Field(examples=["lines.0.quantity"])
    message: str


class Problem(BaseModel):
    """A refusal. ``code`` is the stable word to compare, ``detail`` a sentence for people."""

    type: str = Field(default="about:blank")
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    code: str = Field(examples=["conflict"])
    detail: str
    request_id: str = Field(description="The id of this request; quote it when asking for help.")
    errors: list[FieldProblem] | None = Field(
        default=None, description="What is wrong with each field, where fields are meant."
    )


def documented(*statuses: int) -> dict[int, ResponseSpec]:
    """Returns the ``responses`` of an operation that answers a problem with each of these statuses."""
    return {
        status: ResponseSpec(
            Problem, generate_examples=False, description=HTTPStatus(status).phrase, media_type=MEDIA_TYPE
        )  # type: ignore[call-arg, arg-type, unused-ignore]
        for status in statuses
    }


def invalid(error: ValidationError, within: str = "") -> Invalid:
    """Returns the refusal for a document that pydantic did not accept; ``within`` is the path that leads to it."""
    prefix = f"{within}." if within else ""
    found = [{"field": (prefix + one.field).rstrip("."), "message": one.message} for one in field_errors(error)]
    return Invalid(_INVALID, errors=found)


def handlers() -> ExceptionHandlersMap:
    """Returns what turns each exception into its answer; the most special class wins."""
    return {
        WmsError: _refused,
        ValidationException: _not_valid,
        HTTPException: _http,
        OperationalError: _database_gone,
        InterfaceError: _database_gone,
        PoolTimeout: _database_gone,
        DataError: _not_storable,
        Exception: _unexpected,
    }


_INVALID: Final = "The request is not valid: `errors` names each field and what is wrong with it."


def request_id_of(request: Request[Any, Any, Any]) -> str:
    """Returns the id that the door gave the request."""
    return str(request.scope["state"].get("request_id", ""))


def _answer(
    request: Request[Any, Any, Any],
    status: int,
    code: str,
    detail: str,
    extra: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response[bytes]:
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": request_id_of(request),
    }
    body = msgspec.json.encode({**(extra or {}), **document})
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def _refused(request: Request[Any, Any, Any], error: WmsError) -> Response[bytes]:
    headers = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, Unavailable | KeyInFlight):
        headers["Retry-After"] = RETRY_AFTER_SECONDS
    return _answer(request, error.status, error.code, error.detail, error.extra, headers)


def _not_valid(request: Request[Any, Any, Any], error: ValidationException) -> Response[bytes]:
    found = error.extra if isinstance(error.extra, list) else []
    errors = [FieldError(str(one.get("key", "")), _message(one)) for one in found[:ERRORS_MAX]]
    listed = [{"field": one.field, "message": one.message} for one in errors]
    return _answer(request, 400, "invalid", _INVALID, {"errors": listed})


def _message(found: dict[str, Any]) -> str:
    return str(found.get("message", "")).removeprefix("Value error, ")


def _http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    phrase = HTTPStatus(error.status_code).phrase
    code = phrase.lower().replace(" ", "_").replace("-", "_")
    if error.status_code >= 500:
        return _unexpected(request, error)
    details = {
        400: "The request cannot be read: is its body JSON, in UTF-8?",
        404: "There is nothing here.",
        405: "This address does not know that method.",
        413: "The body is larger than this address takes.",
    }
    detail = details.get(error.status_code, phrase + ".")
    allowed = {key: value for key, value in (error.headers or {}).items() if key.lower() == "allow"}
    return _answer(request, error.status_code, code, detail, headers=allowed)


def _database_gone(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    log.error("database_unavailable", error=type(error).__name__, sqlstate=_sqlstate(error))
    gone = Unavailable("The database does not answer. Please try again in a moment.")
    return _refused(request, gone)


def _not_storable(request: Request[Any, Any, Any], error: DataError) -> Response[bytes]:
    # Such as a NUL character in a text: what PostgreSQL cannot hold, nobody meant to send.
    log.warning("value_not_storable", sqlstate=_sqlstate(error))
    return _answer(request, 400, "invalid", "The request contains a value that cannot be stored.")


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    log.error("request_failed", error=type(error).__name__, exc_info=error)
    detail = "Something went wrong on our side. Ask again with the same references, or quote the request id."
    return _answer(request, 500, "internal", detail)


def _sqlstate(error: Exception) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)
