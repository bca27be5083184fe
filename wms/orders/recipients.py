# SPDX-License-Identifier: Apache-2.0
"""When two recipients are the same person at the same door, however they were written.

Only the comparison is normalised; what the shopper wrote is kept and printed as it is. In doubt two doors are
different: a parcel too many costs postage, a parcel at a wrong door costs an order.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from itertools import zip_longest
from string import ascii_lowercase
from typing import Final, Protocol

from wms.orders.abbreviations import (
    COMPANY_WORDS,
    GERMAN_COUNTRIES,
    LETTERS,
    NUMBER_FIRST_COUNTRIES,
    NUMBER_WORDS,
    TITLES,
    UNIT_WORDS,
    street_words,
)


class Written(Protocol):
    """A recipient as somebody wrote it: the table's row, or what a brand has just sent."""

    @property
    def name(self) -> str: ...
    @property
    def company(self) -> str: ...
    @property
    def street(self) -> str: ...
    @property
    def city(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def postcode(self) -> str: ...
    @property
    def country(self) -> str | None: ...
    @property
    def phone(self) -> str: ...
    @property
    def email(self) -> str: ...


_APOSTROPHES: Final = re.compile("['’‘ʼ`´]")
# Marks belong to their letter: in Indian scripts they are its vowel.
_TOKEN: Final = re.compile(r"[^\W_]+(?:[^\W_]|[\u0900-\u0dff\u0300-\u036f])*|#")
_DIACRITICS: Final = re.compile("[\u0300-\u036f]")
_BETWEEN_NUMBERS: Final = re.compile(r"(?<=\d)\s*([-/–])\s*(?=\d)")
_NUMBER: Final = re.compile(r"\d+[a-z]?([-/]\d+[a-z]?)*")
_UMLAUTS_WRITTEN_OUT: Final = re.compile("([aou])e")
_COUNTRY_BEFORE_POSTCODE: Final = re.compile(r"^[A-Z]{1,2}\s*-\s*(?=\d)")


def recipient_key(to: Written, country: str | None = None) -> str:
    """Returns the SHA-256, as hex, of the normalised name and address. Equal keys are the same door.

    ``country`` (ISO 3166-1) is the recipient's own where it is not given. Phone and e-mail are no part of the key: a
    shopper may give another number for the same door.
    """
    country = country or to.country or ""
    door = _door(to, country)
    parts = (country, door.postcode, door.city, door.street, door.company, door.name)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def why_not_same(a: Written, b: Written) -> list[str]:
    """Returns why two recipients are not the same door, as sentences for the desk; an empty list where they are."""
    if a.country != b.country:
        return [f"The country is not the same: {a.country} and {b.country}."]
    one, other = _door(a, a.country or ""), _door(b, b.country or "")
    written = {
        "name": (one.name, other.name, a.name, b.name),
        "company": (one.company, other.company, a.company, b.company),
        "street": (one.street, other.street, _one_line(a.street), _one_line(b.street)),
        "city": (one.city, other.city, a.city, b.city),
        "postcode": (one.postcode, other.postcode, a.postcode or a.region, b.postcode or b.region),
    }
    return [
        f"The {part} is not the same: “{ours}” and “{theirs}”."
        for part, (mine, yours, ours, theirs) in written.items()
        if mine != yours
    ]


def contact_differences(a: Written, b: Written) -> list[str]:
    """Returns what to mind when two orders for one door travel together: the courier calls one number only."""
    found = []
    digits = [re.sub(r"\D", "", one.phone)[-9:] for one in (a, b)]
    if all(digits) and digits[0] != digits[1]:
        found.append("The phone numbers are not the same; the courier gets the first order's.")
    if a.email and b.email and a.email.casefold() != b.email.casefold():
        found.append("The e-mail addresses are not the same; the carrier gets the first order's.")
    return found


@dataclass(frozen=True)
class _Door:
    name: str
    company: str
    street: str
    city: str
    postcode: str


def _door(to: Written, country: str) -> _Door:
    postcode = _postcode(to.postcode, country)
    return _Door(
        name=_name(to.name, country),
        company=" ".join(COMPANY_WORDS.get(word, word) for word in _words(to.company, country)),
        street=_street(to.street, country),
        city=" ".join(street_words(country).get(word, word) for word in _words(to.city, country)),
        # A postcode says the region; where a country has none, the region says it.
        postcode=postcode or " ".join(_words(to.region, country)),
    )


def _plain(text: str, country: str) -> str:
    """Returns the text in lower case, without diacritics and apostrophes."""
    decomposed = unicodedata.normalize("NFKD", text.replace("&", " and ").casefold().translate(LETTERS))
    plain = unicodedata.normalize("NFC", _DIACRITICS.sub("", _APOSTROPHES.sub("", decomposed)))
    if country in GERMAN_COUNTRIES:
        # "Müller" is also written "Mueller"; both become "muller".
        plain = _UMLAUTS_WRITTEN_OUT.sub(r"\1", plain)
    return plain


def _words(text: str, country: str) -> list[str]:
    """Returns the words; initials become one of them, so that "M. G." is "MG"."""
    words: list[str] = []
    initials = False
    for word in _TOKEN.findall(_plain(text, country)):
        is_initial = len(word) == 1 and word.isalpha()
        if is_initial and initials:
            words[-1] += word
        else:
            words.append(word)
        initials = is_initial
    return words


def _name(name: str, country: str) -> str:
    last, comma, first = name.partition(",")
    words = _words(f"{first} {last}" if comma else name, country)
    kept = [word for word in words if word not in TITLES]
    return " ".join(kept or words)


def _postcode(postcode: str, country: str) -> str:
    bare = _COUNTRY_BEFORE_POSTCODE.sub("", postcode.strip().upper())
    bare = "".join(character for character in bare if character.isalnum())
    # The four digits behind a ZIP code name the same door more closely.
    return bare[:5] if country == "US" else bare


def _one_line(street: str) -> str:
    return ", ".join(part.strip() for part in street.split("\n") if part.strip())


def _street(street: str, country: str) -> str:
    """Returns the parts of the street, each with its house number behind it, in one sequence however it was written.

    A number stays with the words that it was written beside: the parts are sorted, never their words.
    """
    parts: list[str] = []
    number = ""  # One that stands alone, as in "12, Market Row", belongs to what follows.
    for part in re.split(r"[\n,;]", _BETWEEN_NUMBERS.sub(r"\1", street)):
        words = [number, *_street_words(part, country)] if number else _street_words(part, country)
        number = ""
        words = _take_units(words, parts, is_first=not parts)
        if not words:
            continue
        if len(words) == 1 and _NUMBER.fullmatch(words[0]):
            if country in NUMBER_FIRST_COUNTRIES or not _add_number(parts, words[0]):
                number = words[0]
            continue
        if _NUMBER.fullmatch(words[0]):
            words = [*words[1:], words[0]]
        parts.append(" ".join(words))
    # "Market Row, 12": the number ends the address.
    if number and not _add_number(parts, number):
        parts.append(number)
    return "\x1e".join(sorted(parts))


def _add_number(parts: list[str], number: str) -> bool:
    """Puts a number that stands alone behind the street before it, if that has none. Says whether it did."""
    streets = [index for index, part in enumerate(parts) if not part.startswith("unit ")]
    if not streets or _NUMBER.fullmatch(parts[streets[-1]].split()[-1]):
        return False
    parts[streets[-1]] += f" {number}"
    return True


def _street_words(part: str, country: str) -> list[str]:
    table, words = street_words(country), list[str]()
    for word in _glued(part, country):
        word = table.get(word, word)
        if country in GERMAN_COUNTRIES:
            if word == "st" and words and words[-1].isalpha():
                words[-1] += "str"
                continue
            word = re.sub("strasse$", "str", word)
        words.append(word)
    # "No. 12" and "12" are one number.
    return [
        word
        for word, after in zip_longest(words, words[1:], fillvalue="")
        if not (word in NUMBER_WORDS and after[:1].isdigit())
    ]


def _glued(part: str, country: str) -> list[str]:
    """Returns the words with a number's own parts in one: "12 A" is "12a", "12 - 14" is "12-14"."""
    # A letter that stands for a word there, as N. for North, is no part of the number before it.
    letters = "".join(letter for letter in ascii_lowercase if letter not in street_words(country))
    plain = re.sub(rf"(?<=\d)\s+([{letters}])(?![^\W_])", r"\1", _plain(part, country).replace("–", "-"))
    found: list[str] = []
    for piece in re.split(r"(\d+[a-z]?(?:[-/]\d+[a-z]?)+)", plain):
        found.extend([piece] if _NUMBER.fullmatch(piece) else _words(piece, country))
    # "H.No." is an Indian house's number.
    return [word for word, after in zip_longest(found, found[1:]) if (word, after) != ("h", "no")]


def _take_units(words: list[str], parts: list[str], *, is_first: bool) -> list[str]:
    """Moves flats and their like out of the words into parts of their own, and returns the words that are left."""
    left: list[str] = []
    index = 0
    while index < len(words):
        word, after = words[index], words[index + 1] if index + 1 < len(words) else ""
        # "#12, MG Road" begins with the house's number; anywhere else the sign is an apartment's.
        is_unit = word in UNIT_WORDS or (word == "#" and (bool(left) or not is_first))
        if is_unit and (after[:1].isdigit() or (len(after) == 1 and after.isalpha())):
            parts.append(f"unit {after}")
            index += 2
            continue
        if word != "#":
            left.append(word)
        index += 1
    return left
