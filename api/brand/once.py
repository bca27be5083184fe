# SPDX-License-Identifier: Apache-2.0
"""``Idempotency-Key``: the same request sent again is answered again and not done again."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeAlias, TypeVar, cast

from litestar import Response
from litestar.params import HeaderParameter
from pydantic import BaseModel
from sqlmodel import Session

from api.brand.access import ApiRequest
from wms.platform.db import brand_scope, in_transaction
from wms.platform.errors import WmsError
from wms.platform.idempotency import Question, StoredAnswer, recall, remember

Model = TypeVar("Model", bound=BaseModel)

OnceKey: TypeAlias = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[ -~]+$",
        description="Any value of yours, new for every new request. Sending a request again with its key returns"
        " the stored answer (`Idempotent-Replayed: true`) for 7 days; another request with the key is refused.",
    ),
]


@dataclass(frozen=True)
class Answer(Generic[Model]):
    """What an operation answers once it has been done.

    A ``refusal`` is raised after the commit, where what was written must stay; it is not kept under the key.
    """

    value: Model
    status: int = 200
    refusal: WmsError | None = None


def fingerprint(request: ApiRequest, body: bytes) -> bytes:
    """Returns what makes two requests the same: method, path with query, and body, byte for byte."""
    target = f"{request.method}\n{request.scope['path']}\n".encode() + request.scope["query_string"] + b"\n"
    return hashlib.sha256(target + body).digest()


def answer_once(
    request: ApiRequest, body: bytes, key: str | None, work: Callable[[Session], Answer[Model]]
) -> Response[Model]:
    """Does ``work`` in one transaction of the caller's brand, together with the key and the stored answer.

    Without a key the work is done whenever it is asked for; its own reference still keeps it from being done twice.
    """
    brand_id = request.auth.brand_id
    if key is None:
        answer = in_transaction(brand_scope(brand_id), work)
        if answer.refusal is not None:
            raise answer.refusal
        return _response(StoredAnswer(answer.status, answer.value.model_dump_json().encode()))
    question = Question(key, fingerprint(request, body))

    def once(session: Session) -> tuple[StoredAnswer, bool] | WmsError:
        stored = recall(session, brand_id, question)
        if stored is not None:
            return stored, True
        answer = work(session)
        if answer.refusal is not None:
            return answer.refusal
        made = StoredAnswer(answer.status, answer.value.model_dump_json().encode())
        remember(session, brand_id, [(question, made)])
        return made, False

    outcome = in_transaction(brand_scope(brand_id), once)
    if isinstance(outcome, WmsError):
        raise outcome
    stored, replayed = outcome
    return _response(stored, replayed=replayed)


def _response(answer: StoredAnswer, *, replayed: bool = False) -> Response[Any]:
    headers = {"Idempotent-Replayed": "true"} if replayed else None
    # The body is JSON already; the type says what it holds, for the documentation.
    content = cast(Any, answer.body)
    return Response(content, status_code=answer.status, media_type="application/json", headers=headers)
