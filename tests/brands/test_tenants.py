# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from wms.brands.models import OnShortage, Policy, Warehouse
from wms.brands.service import brand_by_code, create_brand, create_warehouse, set_policy, warehouse_by_code
from wms.platform.db import WAREHOUSE, brand_scope, transaction
from wms.platform.errors import Conflict, Invalid, NotFound

ADDRESS = {"company": "Co", "street": "1 Road", "city": "Leeds", "country": "GB"}
GOOD: dict[str, Any] = {
    "code": "LDS1",
    "name": "Leeds",
    "time_zone": "Europe/London",
    "address": ADDRESS,
    "gs1_company_prefix": "5012345",
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"code": "-x"}, "A code is 1 to 32 letters"),
        ({"time_zone": "Mars/Olympus"}, "There is no time zone Mars/Olympus"),
        ({"gs1_company_prefix": "12"}, "A GS1 company prefix is 4 to 12 digits."),
        ({"address": {**ADDRESS, "planet": "Earth"}}, "A warehouse's address has no planet."),
        ({"address": {"company": "Co", "street": "1 Road"}}, "A warehouse's address needs city, country."),
    ],
)
def test_a_building_that_cannot_be_is_not_added(database: Any, change: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words), transaction(WAREHOUSE) as session:
        create_warehouse(session, **{**GOOD, **change})
    assert database.rows("SELECT count(*) FROM warehouse") == [(0,)]


def test_a_building_has_every_part_of_an_address(database: Any) -> None:
    with transaction(WAREHOUSE) as session:
        create_warehouse(session, **GOOD)
    with transaction(WAREHOUSE) as session:
        assert warehouse_by_code(session, "LDS1").address == {
            **ADDRESS,
            "region": "",
            "postcode": "",
            "phone": "",
            "email": "",
        }


def test_a_brand_begins_with_the_default_policy_and_may_replace_it(house: Any) -> None:
    with transaction(WAREHOUSE) as session:
        brand = create_brand(session, session.get_one(Warehouse, house.warehouse_id), "new", "New")
        assert brand.policy == Policy()
        set_policy(session, brand, Policy(on_shortage=OnShortage.PARTIAL))
        brand_id = brand.id
    with transaction(brand_scope(brand_id)) as session:
        assert brand_by_code(session, "new").policy == Policy(on_shortage=OnShortage.PARTIAL)


def test_codes_are_given_once(house: Any) -> None:
    with pytest.raises(Conflict, match="There is a brand fennel already"), transaction(WAREHOUSE) as session:
        create_brand(session, session.get_one(Warehouse, house.warehouse_id), "fennel", "New")
    with pytest.raises(Conflict, match="There is a warehouse LON1 already"), transaction(WAREHOUSE) as session:
        create_warehouse(session, **{**GOOD, "code": "LON1"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "red"}, "A colour is written #rrggbb."),
        ({"logo_png": b"GIF89a"}, "A logo is a PNG of at most 200 kB."),
        ({"logo_png": b"\x89PNG\r\n\x1a\n" + b"x" * 200_000}, "A logo is a PNG of at most 200 kB."),
    ],
)
def test_a_brand_that_cannot_be_is_not_added(house: Any, change: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words), transaction(WAREHOUSE) as session:
        create_brand(session, session.get_one(Warehouse, house.warehouse_id), "new", "New", **change)
    with pytest.raises(NotFound, match="There is no brand new"), transaction(WAREHOUSE) as session:
        brand_by_code(session, "new")


def test_a_brand_does_not_see_another_brand(house: Any) -> None:
    with (
        pytest.raises(NotFound, match="There is no brand juniper"),
        transaction(brand_scope(house.brands["fennel"].id)) as session,
    ):
        brand_by_code(session, "juniper")
