# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a document, field by field, in words that its sender can act on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

# How many complaints one answer names; a file of nonsense is not answered with a longer one.
ERRORS_MAX = 100


@dataclass(frozen=True)
class FieldError:
    """``field`` is a path such as ``lines.0.quantity``; empty when the document as a whole is meant."""

    field: str
    message: str


def field_errors(error: ValidationError) -> list[FieldError]:
    """Returns what pydantic found, without the values themselves: they may be personal."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [FieldError(_path(one["loc"]), _sentence(one["msg"])) for one in found[:ERRORS_MAX]]


def one_sentence(errors: Sequence[FieldError]) -> str:
    """Returns the errors as one line of text, for logs of an import and for error files."""
    return "; ".join(f"{error.field}: {error.message}" if error.field else error.message for error in errors)


def _path(location: Iterable[Any]) -> str:
    return ".".join(str(part) for part in location)


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ")
