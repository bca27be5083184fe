# SPDX-License-Identifier: Apache-2.0
"""Which pairs of recipients are one door, and which are not."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms.orders.recipients import contact_differences, recipient_key, why_not_same


@dataclass(frozen=True)
class To:
    street: str
    city: str = "Leeds"
    postcode: str = "LS1 4AP"
    name: str = "Asha Rao"
    company: str = ""
    region: str = ""
    phone: str = ""
    email: str = ""
    country: str = "GB"


def key(to: To) -> str:
    return recipient_key(to)


BERLIN = To("Hauptstraße 5", "Berlin", "10115", "Jürgen Müller", country="DE")
PUNE = To("Flat 4, Rose Apartments, M.G. Road", "Pune", "411001", country="IN")
MADRID = To("Calle Mayor 5, 3º izquierda", "Madrid", "28013", "José Núñez", country="ES")
PORTLAND = To("12 North Main Street Apt 3", "Portland", "97205", region="OR", country="US")
LEEDS = To("12 Market Row\nFlat 3")

SAME = {
    "case": (LEEDS, replace(LEEDS, street="12 MARKET ROW\nflat 3", city="LEEDS", name="ASHA RAO", postcode="ls1 4ap")),
    "space in the postcode": (LEEDS, replace(LEEDS, postcode="LS14AP")),
    "flat, apt": (LEEDS, replace(LEEDS, street="12 Market Row, Apt. 3")),
    "the flat first": (LEEDS, replace(LEEDS, street="Flat 3, 12 Market Row")),
    "no comma": (LEEDS, replace(LEEDS, street="12 Market Row Flat 3")),
    "the house number behind": (LEEDS, replace(LEEDS, street="Market Row 12\nFlat 3")),
    "the house number alone": (LEEDS, replace(LEEDS, street="12, Market Row\nFlat 3")),
    "the house number alone, behind": (LEEDS, replace(LEEDS, street="Flat 3, Market Row, 12")),
    "No. 12": (LEEDS, replace(LEEDS, street="No. 12 Market Row\nFlat 3")),
    "title": (LEEDS, replace(LEEDS, name="Ms. Asha Rao")),
    "last name first": (LEEDS, replace(LEEDS, name="Rao, Asha")),
    "another phone": (LEEDS, replace(LEEDS, phone="0113 496 0001", email="asha@example.org")),
    "a region beside a postcode": (LEEDS, replace(LEEDS, region="West Yorkshire")),
    "st": (To("1 High St."), To("1 High Street")),
    "rd": (To("1 Mill Rd"), To("1 Mill Road")),
    "ave": (To("1 Park Ave."), To("1 Park Avenue")),
    "saint": (To("1 St. James's Street"), To("1 Saint James’s St")),
    "12 a": (To("12 A Mill Lane"), To("12a Mill Ln")),
    "12 - 14": (To("12 - 14 Mill Lane"), To("12-14 Mill Lane")),
    "a full stop": (To("1 Mill Lane"), To("1 Mill Lane.")),
    "a hyphen": (To("1 Mill Lane", "Stoke-on-Trent"), To("1 Mill Lane", "Stoke on Trent")),
    "an apostrophe": (To("1 Mill Lane", name="Sean O'Brien"), To("1 Mill Lane", name="Seán O’Brien")),
    "a company's form": (To("1 Mill Lane", company="Rao & Co Limited"), To("1 Mill Lane", company="Rao and Co. Ltd.")),
    "str.": (BERLIN, replace(BERLIN, street="Hauptstr. 5")),
    "Haupt Str.": (BERLIN, replace(BERLIN, street="Haupt Str. 5")),
    "strasse": (BERLIN, replace(BERLIN, street="HAUPTSTRASSE 5")),
    "umlauts": (BERLIN, replace(BERLIN, name="Juergen Mueller")),
    "no umlauts": (BERLIN, replace(BERLIN, name="Jurgen Muller")),
    "D-10115": (BERLIN, replace(BERLIN, postcode="D-10115")),
    "Herr": (BERLIN, replace(BERLIN, name="Herr Jürgen Müller")),
    "Karl-Marx": (replace(BERLIN, street="Karl-Marx-Straße 12 a"), replace(BERLIN, street="Karl Marx Str. 12a")),
    "560 001": (PUNE, replace(PUNE, postcode="411 001")),
    "MG": (PUNE, replace(PUNE, street="Flat No. 4\nRose Apts, MG Rd")),
    "#": (replace(PUNE, street="#12, Gandhi Nagar"), replace(PUNE, street="12 Gandhi Ngr.")),
    "H.No.": (replace(PUNE, street="H.No. 12-3, Gandhi Nagar"), replace(PUNE, street="12-3 Gandhi Nagar")),
    "sector": (replace(PUNE, street="14, Sector 7"), replace(PUNE, street="14 Sec. 7")),
    "C/": (MADRID, replace(MADRID, street="C/ Mayor, 5, 3º izq.")),
    "n tilde": (MADRID, replace(MADRID, name="Jose Nunez")),
    "avda": (replace(MADRID, street="Avenida de América 9"), replace(MADRID, street="Avda. de America, nº 9")),
    "n main": (PORTLAND, replace(PORTLAND, street="12 N. Main St. #3")),
    "zip + 4": (PORTLAND, replace(PORTLAND, postcode="97205-1234")),
    "a decomposed letter": (To("1 Café Row"), To("1 Cafe\u0301 Row")),
}

DIFFERENT = {
    "another house": (LEEDS, replace(LEEDS, street="14 Market Row\nFlat 3"), "street"),
    "another flat": (LEEDS, replace(LEEDS, street="12 Market Row\nFlat 4"), "street"),
    "house and flat changed places": (LEEDS, replace(LEEDS, street="3 Market Row\nFlat 12"), "street"),
    "no flat": (LEEDS, replace(LEEDS, street="12 Market Row"), "street"),
    "12 and 12a": (To("12 Mill Lane"), To("12a Mill Lane"), "street"),
    "a range and its end": (To("12-14 Mill Lane"), To("14 Mill Lane"), "street"),
    "road and street": (To("1 Mill Road"), To("1 Mill Street"), "street"),
    "east and west": (To("1 East Mill Road"), To("1 West Mill Road"), "street"),
    "another word": (To("1 Mill Lane"), To("1 Hill Lane"), "street"),
    "another name": (LEEDS, replace(LEEDS, name="Asha Roy"), "name"),
    "the first name only": (LEEDS, replace(LEEDS, name="Asha"), "name"),
    "another initial": (replace(LEEDS, name="A. Rao"), replace(LEEDS, name="B. Rao"), "name"),
    "another postcode": (LEEDS, replace(LEEDS, postcode="LS1 4AQ"), "postcode"),
    "another city": (LEEDS, replace(LEEDS, city="Bradford"), "city"),
    "a company": (LEEDS, replace(LEEDS, company="Rao Ltd"), "company"),
    "another company": (replace(LEEDS, company="Rao Ltd"), replace(LEEDS, company="Ray Ltd"), "company"),
    "another country": (LEEDS, replace(LEEDS, country="IE"), "country"),
    "another region where there is no postcode": (
        To("1 Queens Road", "Central", "", region="Kowloon", country="HK"),
        To("1 Queens Road", "Central", "", region="Hong Kong Island", country="HK"),
        "postcode",
    ),
    "another block": (replace(PUNE, street="Block A, Sector 7"), replace(PUNE, street="Block B, Sector 7"), "street"),
    "another sector": (replace(PUNE, street="14 Sector 7"), replace(PUNE, street="7 Sector 14"), "street"),
    "another vowel sign": (replace(PUNE, name="राम"), replace(PUNE, name="रामी"), "name"),
    "left and right": (MADRID, replace(MADRID, street="Calle Mayor 5, 3º dcha"), "street"),
    "another floor": (MADRID, replace(MADRID, street="Calle Mayor 5, 4º izquierda"), "street"),
    "lane and street in Germany": (BERLIN, replace(BERLIN, street="Hauptweg 5"), "street"),
    "north and south": (PORTLAND, replace(PORTLAND, street="12 S Main St Apt 3"), "street"),
    "another zip": (PORTLAND, replace(PORTLAND, postcode="97206"), "postcode"),
}


@pytest.mark.parametrize("case", SAME)
def test_the_same_door_written_in_two_ways_has_one_key(case: str) -> None:
    one, other = SAME[case]
    assert why_not_same(one, other) == []
    assert key(one) == key(other)


@pytest.mark.parametrize("case", DIFFERENT)
def test_another_door_or_another_person_has_another_key_and_the_desk_is_told_why(case: str) -> None:
    one, other, part = DIFFERENT[case]
    assert key(one) != key(other)
    (why,) = why_not_same(one, other)
    assert why.startswith(f"The {part} is not the same: ")


def test_a_key_is_64_hexadecimal_digits_and_the_same_from_run_to_run() -> None:
    assert key(LEEDS) == key(replace(LEEDS))
    assert len(key(LEEDS)) == 64
    assert int(key(LEEDS), 16) > 0


def test_a_brand_that_names_no_country_means_its_own() -> None:
    assert recipient_key(replace(LEEDS, country=""), "GB") == key(LEEDS)


@given(st.text(max_size=60), st.text(max_size=30), st.sampled_from(["GB", "DE", "ES", "IN", "US", "JP"]))
def test_whatever_was_written_has_a_key_that_spaces_around_it_do_not_change(
    street: str, name: str, country: str
) -> None:
    to = To(street, name=name, country=country)
    assert len(key(to)) == 64
    assert key(to) == key(replace(to, street=f" {street} ", name=f"{name} "))


def test_another_contact_is_worth_a_warning_and_no_other_door() -> None:
    one = replace(LEEDS, phone="+44 113 496 0000", email="asha@example.org")
    assert contact_differences(one, replace(one, phone="0113 496 0000", email="Asha@example.org")) == []
    assert contact_differences(one, replace(one, phone="", email="")) == []
    assert contact_differences(one, replace(one, phone="0113 496 0001", email="rao@example.org")) == [
        "The phone numbers are not the same; the courier gets the first order's.",
        "The e-mail addresses are not the same; the carrier gets the first order's.",
    ]
