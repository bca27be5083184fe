# SPDX-License-Identifier: Apache-2.0
"""Orders from a CSV file: one line of the file per order line.

The header names fields of :class:`OrderLineRow`. Lines of one order follow each other and repeat its ``ref``; what
else they say about the order must be the same, so the first line's word counts and a different one is an error.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from wms.intake.schemas import OrderIn
from wms.orders.models import PaymentState
from wms.platform.tabular import BadLine, GoodLine, read_models
from wms.platform.validation import FieldError, field_errors

_LINE_FIELDS = ("sku", "quantity", "unit_price_minor")
_RECIPIENT_FIELDS = ("name", "company", "street", "city", "region", "postcode", "country", "phone", "email")


class OrderLineRow(BaseModel):
    """One line of the file. ``|`` in ``street`` separates its lines; the order's own rules are checked by the order."""

    model_config = ConfigDict(extra="forbid")

    ref: str
    sku: str
    quantity: int
    name: str
    street: str
    unit_price_minor: int = 0
    company: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str | None = None
    phone: str = ""
    email: str = ""
    service: str | None = None
    ship_by: AwareDatetime | None = None
    payment: PaymentState = PaymentState.CAPTURED
    currency: str | None = None
    shipping_charge_minor: int = 0
    cod_amount_minor: int = 0
    notes: str = ""


def read_order_csv(lines: Iterable[str]) -> Iterator[GoodLine[OrderIn] | BadLine]:
    """Yields each order, by the number of its first line, or each line that is wrong.

    An order with a wrong line is not yielded at all, wherever in it that line stands: an order that lacks lines would
    be shipped without them. Raises :class:`Invalid` for a bad header.
    """
    before: list[GoodLine[OrderLineRow]] = []
    left_out: set[str] = set()
    unreadable: int | None = None
    for ref, group in groupby(read_models(lines, OrderLineRow, key="ref"), _ref_of):
        rows = list(group)
        good = [row for row in rows if isinstance(row, GoodLine)]
        bad = [row for row in rows if isinstance(row, BadLine)]
        if not ref:
            # It may be the last line of the order before it or the first one of the order behind it.
            unreadable = rows[0].line
            if before:
                left_out.add(before[0].value.ref)
                yield _left_out(before[0].line, unreadable)
        elif before:
            yield _order_of(before)
        before = []
        yield from bad
        if not ref:
            continue
        if bad or unreadable is not None or ref in left_out:
            left_out.add(ref)
            if not bad:
                yield _left_out(rows[0].line, unreadable)
        else:
            before = good
        unreadable = None
    if before:
        yield _order_of(before)


def _ref_of(row: GoodLine[OrderLineRow] | BadLine) -> str:
    return row.value.ref if isinstance(row, GoodLine) else row.key


def _left_out(line: int, unreadable: int | None) -> BadLine:
    why = "another line of it is wrong" if unreadable is None else f"line {unreadable} may belong to it"
    return BadLine(line, (FieldError("ref", f"This order is left out, because {why}."),))


def _order_of(rows: list[GoodLine[OrderLineRow]]) -> GoodLine[OrderIn] | BadLine:
    first = rows[0]
    shared = first.value.model_dump(exclude=set(_LINE_FIELDS))
    for row in rows[1:]:
        said = row.value.model_dump(exclude=set(_LINE_FIELDS))
        if different := [name for name, value in said.items() if value != shared[name]]:
            return BadLine(row.line, (FieldError(different[0], f"Line {first.line} of this order says otherwise."),))
    recipient = {name: shared.pop(name) for name in _RECIPIENT_FIELDS}
    recipient["street"] = "\n".join(part.strip() for part in recipient["street"].split("|"))
    order_lines = [row.value.model_dump(include=set(_LINE_FIELDS)) for row in rows]
    try:
        return GoodLine(first.line, OrderIn.model_validate({**shared, "recipient": recipient, "lines": order_lines}))
    except ValidationError as error:
        return BadLine(first.line, tuple(field_errors(error)))
