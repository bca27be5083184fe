# SPDX-License-Identifier: Apache-2.0
"""What a brand sends when it sends an order. Unknown members are refused, so that a misspelt one is never ignored."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from wms.orders.models import PaymentState

LINES_MAX = 1_000
QUANTITY_MAX = 1_000_000
MONEY_MAX = 10**11

# A control character (a line feed apart) cannot be printed on a label and is never what a shopper typed. Halves of
# surrogate pairs need no mention: they are not text, and are refused before any pattern is tried.
_NO_CONTROLS = r"^[^\x00-\x09\x0b-\x1f\x7f]*$"


def _addressable(ref: str) -> str:
    if ref == "bulk":
        raise ValueError("An order cannot be called 'bulk': /v1/orders/bulk is where many are sent.")
    return ref


# A slash would end the reference in the path of /v1/orders/{ref}.
Reference = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:# -]*$"),
    AfterValidator(_addressable),
]
Code = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?$"),
]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Service = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Money = Annotated[int, Field(ge=0, le=MONEY_MAX)]
# Instants near the ends of the calendar leave it when hours are taken off them or when their zone becomes UTC.
Instant = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC))]


def _text(length: int) -> StringConstraints:
    return StringConstraints(max_length=length, pattern=_NO_CONTROLS)


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecipientIn(_In):
    """Who gets it. ``street`` holds one to three lines, separated by line feeds; all is kept as it was written."""

    name: Annotated[str, _text(120), Field(min_length=1, examples=["Asha Rao"])]
    company: Annotated[str, _text(120)] = ""
    street: Annotated[str, _text(240), Field(min_length=1, examples=["12 Market Row\nFlat 3"])]
    city: Annotated[str, _text(120)] = ""
    region: Annotated[str, _text(80)] = ""
    postcode: Annotated[str, _text(20)] = ""
    country: Annotated[Country | None, Field(description="ISO 3166-1 alpha-2; the brand's own where absent")] = None
    phone: Annotated[str, _text(40)] = ""
    email: Annotated[str, _text(254)] = ""


class LineIn(_In):
    sku: Code
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX)]
    unit_price_minor: Annotated[int, Field(ge=0, le=MONEY_MAX, description="In minor units of the currency")] = 0


class OrderIn(_In):
    """One order. ``ref`` is the brand's own number for it: accepted once, whatever happens afterwards."""

    ref: Reference
    recipient: RecipientIn
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=LINES_MAX)]
    service: Annotated[Service | None, Field(description="Service class; the brand's default where absent")] = None
    ship_by: Annotated[Instant | None, Field(description="When it must have left the warehouse")] = None
    payment: PaymentState = PaymentState.CAPTURED
    currency: Annotated[Currency | None, Field(description="ISO 4217; the brand's own where absent")] = None
    shipping_charge_minor: Money = 0
    cod_amount_minor: Money = 0
    notes: Annotated[str, _text(500)] = ""
    combine_code: Annotated[
        str | None,
        StringConstraints(min_length=1, max_length=16, pattern=r"^[A-Z0-9-]+$"),
        Field(description="The code of an order that is waiting: this one travels with it, if it still can"),
    ] = None


def content(order: OrderIn) -> bytes:
    """Returns the order's content in one canonical form: equal orders give equal bytes."""
    return order.model_dump_json(exclude_defaults=True).encode()


def instant_text(moment: datetime | None) -> str | None:
    """Returns the instant as PostgreSQL reads it."""
    return None if moment is None else moment.isoformat()
