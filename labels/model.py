# SPDX-License-Identifier: Apache-2.0
"""The data that labels and documents share."""

from dataclasses import dataclass

from labels.text import LabelError

_EXPONENTS = {
    "JPY": 0,
    "KRW": 0,
    "VND": 0,
    "CLP": 0,
    "ISK": 0,
    "BHD": 3,
    "KWD": 3,
    "OMR": 3,
    "TND": 3,
    "JOD": 3,
}
"""Currencies whose minor unit is not a hundredth (ISO 4217), as far as goods are commonly paid in them."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of an ISO 4217 currency."""

    amount: int
    currency: str

    def __str__(self) -> str:
        digits = _EXPONENTS.get(self.currency, 2)
        whole, part = divmod(abs(self.amount), 10**digits)
        sign = "-" if self.amount < 0 else ""
        return f"{self.currency} {sign}{whole:,}" + (f".{part:0{digits}d}" if digits else "")


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address as the shopper wrote it. `country` is printed as it is given: a name or a code."""

    name: str
    lines: tuple[str, ...]
    city: str
    postcode: str
    country: str
    region: str = ""
    company: str = ""
    phone: str = ""

    def block(self, phone: bool = True) -> tuple[str, ...]:
        """Everything below the name, one entry per printed line, empty ones left out."""
        place = " ".join(part for part in (self.city, self.region, self.postcode) if part.strip())
        tail = f"Tel. {self.phone}" if phone and self.phone else ""
        return tuple(line for line in (self.company, *self.lines, place, self.country, tail) if line.strip())


@dataclass(frozen=True, slots=True)
class Brand:
    """Whose name stands on the paper. `logo` is a PNG or JPEG file's bytes, `colour` is #RRGGBB."""

    name: str
    logo: bytes | None = None
    colour: str = "#1F2937"


def weight_text(grams: int) -> str:
    """Grams below a kilogram, else kilograms with as many decimals as it takes to stay exact."""
    if grams < 0:
        raise LabelError(f"A weight cannot be negative, this one is {grams} g.")
    if grams < 1000:
        return f"{grams} g"
    return f"{grams / 1000:.3f}".rstrip("0").rstrip(".") + " kg"
