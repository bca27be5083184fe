# SPDX-License-Identifier: Apache-2.0
from uuid import UUID

import pytest

from wms.catalog.models import Carton
from wms.floor.cartons import Piece, holds, propose, weight_is_plausible


def _carton(code: str, length: int, width: int, height: int, max_weight_g: int = 10_000) -> Carton:
    return Carton(
        warehouse_id=UUID(int=1),
        code=code,
        name=code,
        length_mm=length,
        width_mm=width,
        height_mm=height,
        weight_g=100,
        max_weight_g=max_weight_g,
    )


SMALL, FLAT, LARGE = _carton("S", 200, 150, 100), _carton("F", 400, 300, 30), _carton("L", 600, 400, 400)
CARTONS = [LARGE, FLAT, SMALL]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([Piece(100, 100, 50, 200, 1)], "S"),
        ([Piece(50, 190, 140, 200, 1)], "S"),  # It may lie on any side.
        ([Piece(380, 280, 20, 200, 1)], "F"),
        ([Piece(210, 100, 50, 200, 1)], "L"),  # Longer than the small one, thicker than the flat one.
        ([Piece(100, 100, 50, 200, 6)], "L"),  # Six fill the small one to the last cubic millimetre: over 85 %.
        ([Piece(100, 100, 50, 200, 5)], "S"),
        ([Piece(100, 100, 50, 3_000, 5)], None),  # 15 kg.
        ([Piece(700, 100, 50, 200, 1)], None),
        ([], "S"),
    ],
)
def test_the_smallest_carton_that_holds_the_goods_is_proposed(pieces: list[Piece], expected: str | None) -> None:
    found = propose(CARTONS, pieces)
    assert (found.code if found else None) == expected


def test_a_carton_carries_its_own_weight_too() -> None:
    assert holds(_carton("S", 200, 150, 100, max_weight_g=300), [Piece(10, 10, 10, 200, 1)])
    assert not holds(_carton("S", 200, 150, 100, max_weight_g=299), [Piece(10, 10, 10, 200, 1)])


@pytest.mark.parametrize(
    ("goods_g", "weighed_g", "plausible"),
    [(1000, 500, True), (1000, 499, False), (1000, 3000, True), (1000, 3001, False), (0, 5, True)],
)
def test_a_weight_is_plausible_from_half_to_three_times_the_catalogues(
    goods_g: int, weighed_g: int, plausible: bool
) -> None:
    assert weight_is_plausible(goods_g, weighed_g) is plausible
