# SPDX-License-Identifier: Apache-2.0
"""Answers and refusals, before they become HTTP."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer: the body is JSON."""

    status_code: int
    body: bytes


class RefusalError(Exception):
    """The carrier says no and nothing was changed."""

    def __init__(self, status_code: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.code = code
        self.message = message

    def answer(self) -> Answer:
        """The refusal as JSON."""
        return Answer(self.status_code, to_json({"error": error(self.code, self.message)}))


def error(code: str, message: str) -> dict[str, str]:
    """The shape of every reason that the carrier gives."""
    return {"code": code, "message": message}


def to_json(body: Any) -> bytes:
    """Compact UTF-8 JSON; the same body gives the same bytes."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def digest(*parts: str) -> str:
    """A hex SHA-256 over the parts; their borders count."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()
