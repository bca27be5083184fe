# SPDX-License-Identifier: Apache-2.0
"""CSV files as people send them: every line becomes either a valid model or a list of complaints."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from wms.platform.errors import Invalid
from wms.platform.validation import FieldError, field_errors

Model = TypeVar("Model", bound=BaseModel)

# A field longer than this is an unclosed quotation mark, not a value.
FIELD_MAX_CHARACTERS = 20_000


@dataclass(frozen=True)
class BadLine:
    """A line that cannot be used, by its number in the file (the header is line 1).

    ``key`` is what its key column says, empty where the line cannot even be divided into cells.
    """

    line: int
    errors: tuple[FieldError, ...]
    key: str = ""


@dataclass(frozen=True)
class GoodLine(Generic[Model]):
    line: int
    value: Model


def read_models(
    lines: Iterable[str], model: type[Model], lists: frozenset[str] = frozenset(), key: str = ""
) -> Iterator[GoodLine[Model] | BadLine]:
    """Reads a CSV whose header names fields of ``model``; an empty cell means the field's default.

    Cells of the fields in ``lists`` hold several values separated by ``|``. ``key`` names the column that says what
    a line belongs to. Raises :class:`Invalid` for a
    header that names an unknown field, repeats one or lacks a required one: then no line can be trusted.
    """
    csv.field_size_limit(FIELD_MAX_CHARACTERS)
    reader = csv.reader(lines, strict=True)
    try:
        header = [name.strip().removeprefix("\ufeff").lower() for name in next(reader, [])]
    except csv.Error as error:
        raise Invalid(f"The header cannot be read: {error}.") from error
    _check_header(header, model)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadLine(line, (FieldError("", f"The line cannot be read: {error}."),))
            continue
        if any(cell.strip() for cell in cells):
            yield _read_line(line, header, cells, model, lists, key)


def _check_header(header: list[str], model: type[BaseModel]) -> None:
    known = model.model_fields
    if unknown := [name for name in header if name not in known]:
        raise Invalid(f"The header names {', '.join(map(repr, unknown))}; known are {', '.join(known)}.")
    if len(set(header)) < len(header):
        raise Invalid("The header names a column twice.")
    if missing := [name for name, field in known.items() if field.is_required() and name not in header]:
        raise Invalid(f"The header lacks {', '.join(missing)}.")


def _read_line(
    line: int, header: list[str], cells: list[str], model: type[Model], lists: frozenset[str], key: str
) -> GoodLine[Model] | BadLine:
    if len(cells) != len(header):
        message = f"The line has {len(cells)} cells, the header has {len(header)}."
        return BadLine(line, (FieldError("", message),))
    filled = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}
    values = {name: _parts(cell) if name in lists else cell for name, cell in filled.items()}
    try:
        return GoodLine(line, model.model_validate(values))
    except ValidationError as error:
        return BadLine(line, tuple(field_errors(error)), filled.get(key, ""))


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]
