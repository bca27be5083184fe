# SPDX-License-Identifier: Apache-2.0
"""Which carton: the smallest one that can hold the goods. Pure; millimetres and grams."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wms.catalog.models import Carton

# Goods of different shapes never fill a box; beyond this share of its volume, packers in practice take the next one.
FILL_MAX = 0.85


@dataclass(frozen=True)
class Piece:
    """Some pieces of one article: outer size in millimetres and weight in grams of one of them."""

    length_mm: int
    width_mm: int
    height_mm: int
    weight_g: int
    quantity: int

    @property
    def volume_mm3(self) -> int:
        return self.length_mm * self.width_mm * self.height_mm * self.quantity

    @property
    def sides(self) -> list[int]:
        return sorted((self.length_mm, self.width_mm, self.height_mm))


def volume_mm3(carton: Carton) -> int:
    """Returns the inner volume."""
    return carton.length_mm * carton.width_mm * carton.height_mm


def goods_weight_g(pieces: Iterable[Piece]) -> int:
    """Returns what the catalogue says the goods weigh, without a box."""
    return sum(piece.weight_g * piece.quantity for piece in pieces)


def holds(carton: Carton, pieces: Sequence[Piece]) -> bool:
    """Says whether the goods go in: each piece by its sides, all together by volume and by weight."""
    box = sorted((carton.length_mm, carton.width_mm, carton.height_mm))
    return (
        all(side <= room for piece in pieces for side, room in zip(piece.sides, box, strict=True))
        and sum(piece.volume_mm3 for piece in pieces) <= FILL_MAX * volume_mm3(carton)
        and goods_weight_g(pieces) + carton.weight_g <= carton.max_weight_g
    )


def propose(cartons: Iterable[Carton], pieces: Sequence[Piece]) -> Carton | None:
    """Returns the smallest carton that holds the goods, or ``None`` where they need more than one."""
    fitting = [carton for carton in cartons if holds(carton, pieces)]
    return min(fitting, key=lambda carton: (volume_mm3(carton), carton.code), default=None)


def weight_is_plausible(goods_g: int, weighed_g: int) -> bool:
    """Says whether a weight can be that of these goods in a box: half of the catalogue's sum up to three times it.

    Where the catalogue has no weights there is nothing to compare with.
    """
    return goods_g == 0 or goods_g * 0.5 <= weighed_g <= goods_g * 3
