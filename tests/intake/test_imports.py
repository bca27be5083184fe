# SPDX-License-Identifier: Apache-2.0
"""Orders from a CSV file: whole ones, or none."""

from wms.intake.imports import read_order_csv
from wms.platform.tabular import GoodLine

HEADER = "ref,sku,quantity,name,street\n"


def _read(*lines: str) -> tuple[dict[str, list[str]], list[int]]:
    """Returns the articles of each order that was read, and the numbers of the lines that were complained about."""
    orders, complaints = {}, []
    for row in read_order_csv([HEADER, *(f"{line}\n" for line in lines)]):
        if isinstance(row, GoodLine):
            orders[row.value.ref] = [line.sku for line in row.value.lines]
        else:
            complaints.append(row.line)
    return orders, complaints


def test_lines_that_follow_each_other_are_one_order() -> None:
    assert _read("A,S1,1,Asha,1 Row", "A,S2,2,Asha,1 Row", "B,S1,1,Ben,2 Row") == ({"A": ["S1", "S2"], "B": ["S1"]}, [])


def test_a_wrong_line_in_the_middle_leaves_the_whole_order_out() -> None:
    assert _read("A,S1,1,Asha,1 Row", "A,S2,many,Asha,1 Row", "A,S3,1,Asha,1 Row") == ({}, [3])


def test_a_wrong_first_or_last_line_leaves_its_own_order_out_and_no_other() -> None:
    wrong_first = _read("A,S1,1,Asha,1 Row", "B,S1,many,Ben,2 Row", "B,S2,1,Ben,2 Row", "C,S1,1,Cleo,3 Row")
    assert wrong_first == ({"A": ["S1"], "C": ["S1"]}, [3])
    wrong_last = _read("A,S1,1,Asha,1 Row", "A,S2,many,Asha,1 Row", "B,S2,1,Ben,2 Row")
    assert wrong_last == ({"B": ["S2"]}, [3])


def test_a_line_that_names_no_order_leaves_out_both_that_it_may_belong_to() -> None:
    orders, complaints = _read("A,S1,1,Asha,1 Row", "S2,1", "B,S2,1,Ben,2 Row", "C,S1,1,Cleo,3 Row")
    assert orders == {"C": ["S1"]}
    assert sorted(complaints) == [2, 3, 4]


def test_later_lines_of_an_order_that_was_left_out_are_left_out_too() -> None:
    orders, complaints = _read("A,S1,many,Asha,1 Row", "B,S2,1,Ben,2 Row", "A,S2,1,Asha,1 Row")
    assert orders == {"B": ["S2"]}
    assert complaints == [2, 4]
