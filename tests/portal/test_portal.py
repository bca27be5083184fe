# SPDX-License-Identifier: Apache-2.0
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.portal.links import portal_link, read_token
from api.portal.words import WORDS, story, time_left
from wms.brands.models import Brand
from wms.intake.schemas import OrderIn
from wms.intake.service import accept
from wms.orders.models import EventKind, OrderEvent
from wms.platform.db import brand_scope, transaction
from wms.shipments.release import release_due


def _accept(house: Any, lines: dict[str, int], ref: str = "J-1") -> UUID:
    draft = {
        "ref": ref,
        "recipient": {"name": "Asha Rao", "street": "12 Market Row", "city": "London", "postcode": "E1 6AN"},
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()],
    }
    brand_id = house.brands["juniper"].id
    with transaction(brand_scope(brand_id)) as session:
        brand = session.get_one(Brand, brand_id)
        answer = accept(session, brand, [OrderIn.model_validate(draft)], "brand:juniper")[0]
    assert answer.order_id is not None
    return answer.order_id


def _get(server: str, path: str) -> httpx.Response:
    return httpx.get(server + path, trust_env=False)


def test_the_page_shows_the_order_in_the_brands_name_and_until_when_it_can_be_changed(
    server: str, house: Any, frozen_clock: Any
) -> None:
    order_id = _accept(house, {"JT-SOCK-M": 2, "JT-TARP-3X3": 1})
    frozen_clock.advance(seconds=90)
    page = _get(server, portal_link(house.brands["juniper"].id, order_id)).text
    for expected in (
        "Juniper Trail",
        "/static/colour/8a3b12.css",
        "Order J-1",
        "Merino socks, M",
        "You can still change it until 09:05",
        "That is 3 minutes from now.",
        'content="60"',
    ):
        assert expected in page


def test_the_page_names_nobody(server: str, house: Any) -> None:
    page = _get(server, portal_link(house.brands["juniper"].id, _accept(house, {"JT-SOCK-M": 1}))).text
    for personal in ("Asha", "Market Row", "E1 6AN", "London"):
        assert personal not in page


def test_the_countdown_is_gone_once_the_window_is_over(server: str, house: Any, frozen_clock: Any) -> None:
    path = portal_link(house.brands["juniper"].id, _accept(house, {"JT-SOCK-M": 1}))
    frozen_clock.advance(seconds=300)
    assert "You can still change it" not in _get(server, path).text
    from wms.platform.db import WAREHOUSE

    with transaction(WAREHOUSE) as session:
        release_due(session)
    page = _get(server, path).text
    assert "You can still change it" not in page
    assert "We are preparing it" in page


def test_a_forged_link_and_one_to_nothing_are_the_same_page(server: str, house: Any) -> None:
    brand_id, order_id = house.brands["juniper"].id, _accept(house, {"JT-SOCK-M": 1})
    good = portal_link(brand_id, order_id)
    content = bytearray(urlsafe_b64decode(good.removeprefix("/t/")))
    content[20] ^= 1
    wrong = {
        "another order, old signature": "/t/" + urlsafe_b64encode(content).decode(),
        "no such order": portal_link(brand_id, UUID(int=7)),
        "another brand's order": portal_link(house.brands["fennel"].id, order_id),
        "cut short": good[:-4],
        "empty signature": "/t/" + urlsafe_b64encode(bytes(content[:32])).decode(),
        "not base64": "/t/*",
        "not ASCII": "/t/%C3%A9",
    }
    answers = {name: _get(server, path) for name, path in wrong.items()}
    assert {answer.status_code for answer in answers.values()} == {404}
    assert len({answer.text for answer in answers.values()}) == 1
    assert _get(server, good).status_code == 200


def test_a_link_is_its_two_ids_and_nothing_else_can_be_read_out_of_it(database: Any) -> None:
    link = portal_link(UUID(int=1), UUID(int=2))
    assert link == portal_link(UUID(int=1), UUID(int=2))
    assert len(link) == len("/t/") + 64
    assert read_token(link.removeprefix("/t/")) == (UUID(int=1), UUID(int=2))


def _told(*kinds: EventKind) -> list[str]:
    at = datetime.now(UTC)
    ids = {"brand_id": UUID(int=1), "order_id": UUID(int=2), "actor": "system", "at": at}
    return [moment.words for moment in story(OrderEvent(seq=n, kind=kind, **ids) for n, kind in enumerate(kinds))]


def test_two_boxes_on_the_same_way_are_told_once_and_the_newest_comes_first() -> None:
    kind = EventKind
    told = _told(kind.ACCEPTED, kind.HELD, kind.IN_TRANSIT, kind.OUT_FOR_DELIVERY, kind.IN_TRANSIT, kind.DELIVERED)
    assert told == ["Delivered", "It is out for delivery", "It is on its way", "We have your order"]


def test_after_a_failed_attempt_the_journey_is_told_anew() -> None:
    kind = EventKind
    told = _told(kind.OUT_FOR_DELIVERY, kind.DELIVERY_EXCEPTION, kind.OUT_FOR_DELIVERY, kind.DELIVERED)
    failed = "The carrier could not deliver it yet"
    assert told == ["Delivered", "It is out for delivery", failed, "It is out for delivery"]


def test_every_word_for_a_shopper_belongs_to_an_event_that_exists() -> None:
    assert set(WORDS) <= set(EventKind)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (5, "less than a minute"),
        (60, "1 minute"),
        (179, "2 minutes"),
        (3600, "1 hour"),
        (3720, "1 hour 2 min"),
        (86_400, "24 hours"),
        (172_800, "2 days"),
    ],
)
def test_time_is_told_as_people_say_it_and_never_rounded_up(seconds: int, words: str) -> None:
    assert time_left(seconds) == words
