# SPDX-License-Identifier: Apache-2.0
"""Goods as brands tell us of them, and stock as we tell it back."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

LINES_MAX = 1_000
QUANTITY_MAX = 1_000_000

Printable = r"^[^\x00-\x1f\x7f]*$"
Reference = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=Printable)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=Printable)]
Lot = Annotated[str, StringConstraints(max_length=64, pattern=Printable)]
LocationCode = Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=Printable)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class ReceiptLine(_In):
    """Pieces of one article; its lot where the article has lots."""

    sku: Code = Field(examples=["TOWEL-RED"])
    quantity: int = Field(ge=1, le=QUANTITY_MAX, examples=[40])
    lot: Lot = Field(default="", examples=["2026-03"])


class ReceiptIn(_In):
    """Goods that arrived. The reference is the brand's own and books these goods once, however often it is sent."""

    reference: Reference = Field(examples=["PO-1042"])
    location: LocationCode | None = Field(
        default=None, description="Where they lie; the building's receiving area where absent."
    )
    lines: list[ReceiptLine] = Field(min_length=1, max_length=LINES_MAX)


class ReceiptOut(BaseModel):
    """A booked receipt. ``repeated`` says that its reference had booked the same goods before."""

    reference: str
    location: str
    lines: list[ReceiptLine]
    repeated: bool


class AdjustmentReason(StrEnum):
    COUNT = "count"
    FOUND = "found"
    LOST = "lost"
    DAMAGED = "damaged"
    EXPIRED = "expired"
    SAMPLE = "sample"


class AdjustmentIn(_In):
    """A correction of what lies in one place: pieces that are there after all, or (negative) are not."""

    reference: Reference = Field(examples=["COUNT-7"])
    sku: Code = Field(examples=["TOWEL-RED"])
    location: LocationCode = Field(examples=["A-01-01"])
    lot: Lot = ""
    quantity: int = Field(ge=-QUANTITY_MAX, le=QUANTITY_MAX, description="Not zero.", examples=[-2])
    reason: AdjustmentReason


class AdjustmentOut(AdjustmentIn):
    """A booked correction. ``repeated`` says that its reference had booked it before."""

    repeated: bool


class StockLevel(BaseModel):
    """One article in one building. ``available = sellable - promised`` is what a new order can get."""

    sku: str
    warehouse: str
    sellable: int
    promised: int
    available: int
