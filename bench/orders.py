# SPDX-License-Identifier: Apache-2.0
"""Orders as a shop would send them: three lines, a recipient with an address, a phone and an e-mail."""

import random
from collections.abc import Sequence
from typing import Any, Final

LINES: Final = 3
_FIRST: Final = ("Asha", "Ben", "Chloe", "Dafydd", "Elin", "Farid", "Grace", "Hugh", "Isla", "Jonas")
_LAST: Final = ("Rao", "Carter", "Dubois", "Evans", "Fraser", "Gill", "Hughes", "Iqbal", "Jones", "Kaur")
_STREETS: Final = ("Market Row", "Mill Lane", "Church Road", "Station Street", "Harbour View", "Castle Hill")
_LETTERS: Final = "ABDEFGHJLNPQRSTUWXYZ"
_CITIES: Final = (("London", "E"), ("Leeds", "LS"), ("Bristol", "BS"), ("Glasgow", "G"), ("Cardiff", "CF"))


def orders(count: int, prefix: str, skus: Sequence[str]) -> list[dict[str, Any]]:
    """Returns ``count`` different orders, the same ones for the same arguments. Hardly a postcode appears twice."""
    dice = random.Random(prefix)
    return [_order(f"{prefix}-{number:06d}", skus, dice) for number in range(count)]


def _order(ref: str, skus: Sequence[str], dice: random.Random) -> dict[str, Any]:
    first, last = dice.choice(_FIRST), dice.choice(_LAST)
    city, area = dice.choice(_CITIES)
    return {
        "ref": ref,
        "recipient": {
            "name": f"{first} {last}",
            "street": f"{dice.randint(1, 240)} {dice.choice(_STREETS)}",
            "city": city,
            "postcode": f"{area}{dice.randint(1, 20)} {dice.randint(1, 9)}{''.join(dice.sample(_LETTERS, 2))}",
            "country": "GB",
            "phone": f"+44 20 7946 {dice.randint(0, 9999):04d}",
            "email": f"{first}.{last}@example.com".lower(),
        },
        "lines": [
            {"sku": sku, "quantity": dice.randint(1, 3), "unit_price_minor": dice.randint(199, 9999)}
            for sku in dice.sample(list(skus), LINES)
        ],
    }
