# SPDX-License-Identifier: Apache-2.0
"""What people shorten when they write an address: data for :mod:`wms.orders.recipients`.

Each row is one word and its other spellings, in lower case and without diacritics. English (GB, US, AU), German,
Spanish, and Hindi and Indian English in Latin letters. The word on the left is only a name: ``st`` stands for "street"
and for "saint" alike, because nobody can tell which of them a shopper shortened.
"""

from typing import Final

_EVERYWHERE: Final = """
st: street str saint strasse
rd: road
ave: avenue av aven
ln: lane
dr: drive
cl: close
ct: court crt
pl: place
sq: square
ter: terrace terr
gdns: gardens gdn garden
cres: crescent cr
blvd: boulevard bvd boul
hwy: highway
pkwy: parkway
gr: grove
pk: park
hse: house
bldg: building bld bldng
fl: floor flr
blk: block
mt: mount
ft: fort
cnr: corner
ind: industrial
est: estate
ext: extension extn
apts: apartments
rm: room
po: postal
and: und
"""
_GERMAN: Final = """
platz: pl
ha: haus
hinterhaus: hh hinterhs
vorderhaus: vh vorderhs
stock: stck stw stockwerk og obergeschoss
erdgeschoss: eg parterre
"""
_SPANISH: Final = """
calle: c cl
avenida: avda avd av ave
plaza: pza plza pl
paseo: pso pa
carretera: ctra crta
urbanizacion: urb
izquierda: izq izda
derecha: dcha dch der
principal: ppal pral
escalera: esc
colonia: col
"""
_INDIAN: Final = """
nagar: ngr ngar
colony: col clny
sector: sec sect
society: soc scty
cross: crs
main: mn
phase: ph
layout: lyt
opposite: opp
near: nr
behind: bhd
gali: galli gully
marg: mg
chowk: chk
complex: cmplx
township: twp
cooperative: coop
"""
_NORTH_AMERICAN: Final = """
north: n
south: s
east: e
west: w
northeast: ne
northwest: nw
southeast: se
southwest: sw
"""

GERMAN_COUNTRIES: Final = frozenset({"DE", "AT", "CH", "LI", "LU"})
_SPANISH_COUNTRIES: Final = frozenset({"ES", "MX", "AR", "CO", "CL", "PE", "EC", "UY", "VE"})
# Where "12, Market Row" is written, and never "Market Row, 12, Flat 3".
NUMBER_FIRST_COUNTRIES: Final = frozenset(
    {"GB", "IE", "US", "CA", "AU", "NZ", "IN", "LK", "BD", "PK", "ZA", "SG", "HK", "FR"}
)

# What stands before the number of a dwelling inside a house; all of them say the same.
UNIT_WORDS: Final = frozenset(
    {
        "flat",
        "flt",
        "apt",
        "apartment",
        "appartment",
        "appt",
        "unit",
        "ste",
        "suite",
        "wohnung",
        "whg",
        "apto",
        "apartamento",
        "piso",
        "dpto",
    }
)
# What stands before a number and says nothing but that it is one.
NUMBER_WORDS: Final = frozenset({"no", "nr", "num", "number", "numero", "nro", "hno", "hausnr", "hausnummer"})
TITLES: Final = frozenset(
    {
        "mr",
        "mrs",
        "ms",
        "miss",
        "mx",
        "dr",
        "prof",
        "sir",
        "herr",
        "frau",
        "sr",
        "sra",
        "srta",
        "don",
        "dona",
        "shri",
        "sri",
        "smt",
        "kumari",
        "shrimati",
    }
)
COMPANY_WORDS: Final = {
    "limited": "ltd",
    "private": "pvt",
    "company": "co",
    "incorporated": "inc",
    "corporation": "corp",
    "und": "and",
}
# Latin letters that no decomposition takes apart.
LETTERS: Final = str.maketrans({"ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i"})


def _read(*tables: str) -> dict[str, str]:
    """Returns spelling -> word; a later table overrules an earlier one."""
    words = {}
    for table in tables:
        for row in table.strip().splitlines():
            word, _, others = row.partition(":")
            words.update(dict.fromkeys([word, *others.split()], word))
    return words


_DEFAULT: Final = _read(_EVERYWHERE)
_BY_COUNTRY: Final = {
    **dict.fromkeys(GERMAN_COUNTRIES, _read(_EVERYWHERE, _GERMAN)),
    **dict.fromkeys(_SPANISH_COUNTRIES, _read(_EVERYWHERE, _SPANISH)),
    **dict.fromkeys(("IN", "NP", "LK", "BD", "PK"), _read(_EVERYWHERE, _INDIAN)),
    **dict.fromkeys(("US", "CA"), _read(_EVERYWHERE, _NORTH_AMERICAN)),
}


def street_words(country: str) -> dict[str, str]:
    """Returns what each spelling in a street of the country (ISO 3166-1) stands for."""
    return _BY_COUNTRY.get(country, _DEFAULT)
