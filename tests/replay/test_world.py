# SPDX-License-Identifier: Apache-2.0
"""Everything that a replay makes up comes out of the file, and the packers' boxes hold what they are given."""

from dataclasses import replace
from datetime import UTC, datetime

from labels.codes import verify_product_code
from wms.replay.crew import boxes_for, carton_for
from wms.replay.sales import Sale, SaleLine
from wms.replay.world import Article, articles_of, order_of, recipient_of

SALE = Sale(
    ref="536365",
    at=datetime(2010, 12, 1, 8, 26, tzinfo=UTC),
    customer="17850",
    country="United Kingdom",
    lines=(SaleLine("71053", "LANTERN", 6, 339), SaleLine("85123A", "LANTERN", 4, 255), SaleLine("71053", "", 2, 339)),
)
# 30 of them fill the volume of a small box, 0.8 of 4.5 l; 200 g each.
BRICK = Article("1", "Brick (1)", "5099000000009", 200, (120, 100, 10), "A-01-1", 1)


def test_the_stock_is_what_the_sales_want_and_every_article_can_be_told_apart() -> None:
    lantern, holder = articles_of([SALE]).values()
    assert (lantern.sku, lantern.name, lantern.stock) == ("71053", "Lantern (71053)", 8)
    assert (holder.sku, holder.name, holder.stock) == ("85123A", "Lantern (85123A)", 4)
    assert [verify_product_code(one.barcode, "ean13") for one in (lantern, holder)] == [
        "5099000000009",
        "5099000000016",
    ]


def test_a_customer_always_has_the_same_door_and_an_unknown_one_has_one_an_invoice() -> None:
    again = replace(SALE, ref="536366")
    assert recipient_of(again) == recipient_of(SALE)
    unknown = replace(SALE, customer="")
    assert recipient_of(unknown)["street"].endswith("\ninvoice 536365")
    assert recipient_of(replace(again, customer=""))["street"].endswith("\ninvoice 536366")
    assert recipient_of(replace(SALE, country="EIRE"))["country"] == "IE"


def test_lines_of_one_sku_stay_apart_in_the_order() -> None:
    assert order_of(SALE)["lines"] == [
        {"sku": "71053", "quantity": 6, "unit_price_minor": 339},
        {"sku": "85123A", "quantity": 4, "unit_price_minor": 255},
        {"sku": "71053", "quantity": 2, "unit_price_minor": 339},
    ]


def test_a_box_takes_the_smallest_carton_by_volume_and_by_weight() -> None:
    # The small one carries 5 kg less its own 90 g, so weight is what decides here.
    assert carton_for([(BRICK, 24)]) == ("S", 24 * 200 + 90)
    assert carton_for([(BRICK, 25)]) == ("M", 25 * 200 + 220)


def test_goods_that_fill_a_carton_go_on_in_the_next_one() -> None:
    # The large one carries 25 kg less its own 480 g: 122 of them.
    assert boxes_for([(BRICK, 130), (BRICK, 3)]) == [[(BRICK, 122)], [(BRICK, 8), (BRICK, 3)]]
    assert boxes_for([]) == []
