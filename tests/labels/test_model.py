# SPDX-License-Identifier: Apache-2.0
import pytest

from labels.model import Address, Money, weight_text
from labels.text import LabelError


def test_money_shows_the_digits_that_its_currency_has() -> None:
    amounts = [Money(129900, "INR"), Money(5, "EUR"), Money(-150, "USD"), Money(5000, "JPY"), Money(1234567, "KWD")]
    assert list(map(str, amounts)) == ["INR 1,299.00", "EUR 0.05", "USD -1.50", "JPY 5,000", "KWD 1,234.567"]


def test_weights_are_exact_and_never_negative() -> None:
    assert [weight_text(grams) for grams in (0, 999, 1000, 1240, 12005)] == [
        "0 g", "999 g", "1 kg", "1.24 kg", "12.005 kg",
    ]  # fmt: skip
    with pytest.raises(LabelError, match="this one is -1 g"):
        weight_text(-1)


def test_an_address_leaves_out_the_lines_that_it_does_not_have() -> None:
    short = Address("A", ("1 Road", "", "  "), "Leeds", "LS1", "UK", phone="1")
    assert short.block() == ("1 Road", "Leeds LS1", "UK", "Tel. 1")
    assert short.block(phone=False) == ("1 Road", "Leeds LS1", "UK")
    full = Address("A", ("1 Road",), "Pune", "411001", "IN", region="Maharashtra", company="Co")
    assert full.block() == ("Co", "1 Road", "Pune Maharashtra 411001", "IN")
