# SPDX-License-Identifier: Apache-2.0
"""HTTP to processes that may be killed at any moment. Every request of a replay may be made twice, so it is."""

import time
from collections.abc import Callable
from typing import Any, Final

import httpx

from wms.replay.sales import ReplayError

# A process that was killed is answering again long before.
_ANSWER_SECONDS: Final = 60
_AGAIN_AFTER_SECONDS: Final = 0.1


def send(request: Callable[[], httpx.Response]) -> httpx.Response:
    """Makes a request again and again while nobody answers, or the answer is 503.

    Raises :class:`ReplayError` when that takes longer than any restart does.
    """
    give_up_at = time.monotonic() + _ANSWER_SECONDS
    while True:
        try:
            answer = request()
        except httpx.TransportError as error:
            if time.monotonic() > give_up_at:
                raise ReplayError(f"Nobody answers any more: {error}.") from error
        else:
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > give_up_at:
                return answer
        time.sleep(_AGAIN_AFTER_SECONDS)


def ask(client: httpx.Client, method: str, path: str, body: Any = None) -> Any:
    """Returns the JSON answer of a request. Raises :class:`ReplayError` for a refusal."""
    answer = send(lambda: client.request(method, path, json=body))
    if not answer.is_success:
        raise ReplayError(f"{method} {path} was answered {answer.status_code}: {answer.text[:300]}")
    return answer.json()
