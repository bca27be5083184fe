# SPDX-License-Identifier: Apache-2.0
"""The change matrix: what a late change meets at each stage. This table decides, is printed and is documented."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from wms.changes.models import ChangeAnswer, ChangeKind
from wms.changes.stages import Stage


class Rule(StrEnum):
    APPLY = "apply"
    REWORK = "rework"  # Applied, and somebody on the floor has something to do again.
    RELABEL = "relabel"  # The label is voided at once and another one is bought where goods are left.
    WAIT = "wait"  # Requested: a label is being bought, and the outcome decides.
    ASK = "ask"  # Requested: the carrier has it, and only the carrier can say yes.
    REFUSE = "refuse"


class Alternative(StrEnum):
    """What is open instead."""

    NEW_ORDER = "new_order"
    CANCEL = "cancel"
    HOLD = "hold"
    WAIT_FOR_ARRIVAL = "wait_for_arrival"
    RETURN = "return"


@dataclass(frozen=True)
class Cell:
    """``reason_code`` is the stable word of a refusal or a wait, ``alternatives`` what the asker may do instead."""

    rule: Rule
    reason_code: str = ""
    alternatives: tuple[Alternative, ...] = ()


A, K = Alternative, ChangeKind

APPLY: Final = Cell(Rule.APPLY)
REWORK: Final = Cell(Rule.REWORK)
RELABEL: Final = Cell(Rule.RELABEL)
WAIT: Final = Cell(Rule.WAIT, "label_under_way")
ASK: Final = Cell(Rule.ASK, "carrier_decides")


def _no(reason_code: str, *alternatives: Alternative) -> Cell:
    return Cell(Rule.REFUSE, reason_code, alternatives)


# One row a kind of change, one column a stage, in the sequence of `Stage`.
_ROWS: Final[dict[ChangeKind, tuple[Cell, ...]]] = {
    K.ADD_ITEMS: (
        APPLY,  # held
        APPLY,  # released
        REWORK,  # picking
        REWORK,  # picked
        REWORK,  # packed
        _no("label_under_way", A.NEW_ORDER),  # labelling
        REWORK,  # labelled
        _no("with_carrier", A.NEW_ORDER),  # with the carrier
        _no("with_carrier", A.NEW_ORDER),  # failed attempt
        _no("returning", A.NEW_ORDER),  # returning
        _no("delivered", A.NEW_ORDER),  # delivered
    ),
    K.REDUCE: (
        APPLY,
        APPLY,
        REWORK,
        REWORK,
        REWORK,
        _no("label_under_way", A.HOLD),
        REWORK,
        _no("with_carrier", A.RETURN),
        _no("with_carrier", A.RETURN),
        _no("returning"),
        _no("delivered", A.RETURN),
    ),
    K.ADDRESS: (
        APPLY,
        APPLY,
        APPLY,
        APPLY,
        APPLY,
        WAIT,
        RELABEL,
        ASK,
        _no("attempt_failed"),
        _no("returning", A.WAIT_FOR_ARRIVAL),
        _no("delivered"),
    ),
    K.CONTACT: (
        APPLY,
        APPLY,
        APPLY,
        APPLY,
        APPLY,
        WAIT,
        APPLY,
        ASK,
        _no("attempt_failed"),
        _no("returning"),
        _no("delivered"),
    ),
    K.SERVICE: (
        APPLY,
        APPLY,
        APPLY,
        APPLY,
        APPLY,
        WAIT,
        RELABEL,
        _no("with_carrier"),
        _no("with_carrier"),
        _no("returning"),
        _no("delivered"),
    ),
    K.SPLIT_OFF: (
        APPLY,
        APPLY,
        REWORK,
        REWORK,
        REWORK,
        _no("label_under_way", A.HOLD),
        REWORK,
        _no("with_carrier"),
        _no("with_carrier"),
        _no("returning"),
        _no("delivered"),
    ),
    K.MERGE: (
        APPLY,
        APPLY,
        REWORK,
        REWORK,
        APPLY,
        _no("label_under_way"),
        _no("labelled_already"),
        _no("with_carrier"),
        _no("with_carrier"),
        _no("returning"),
        _no("delivered"),
    ),
    K.CANCEL: (
        APPLY,
        APPLY,
        REWORK,
        REWORK,
        REWORK,
        WAIT,
        REWORK,
        ASK,
        ASK,
        _no("returning"),
        _no("delivered", A.RETURN),
    ),
}

MATRIX: Final[dict[tuple[ChangeKind, Stage], Cell]] = {
    (kind, stage): cell for kind, cells in _ROWS.items() for stage, cell in zip(Stage, cells, strict=True)
}

ANSWERS: Final = {
    Rule.APPLY: ChangeAnswer.APPLIED,
    Rule.REWORK: ChangeAnswer.APPLIED_WITH_REWORK,
    Rule.RELABEL: ChangeAnswer.APPLIED_WITH_REWORK,
    Rule.WAIT: ChangeAnswer.REQUESTED,
    Rule.ASK: ChangeAnswer.REQUESTED,
    Rule.REFUSE: ChangeAnswer.REFUSED,
}

# Every reason code that an answer can carry, as a sentence for people.
REASONS: Final[dict[str, str]] = {
    "already_cancelled": "The order is cancelled already.",
    "awaiting_payment": "It is not paid yet; unpaid, it lapses by itself.",
    "attempt_failed": "The carrier could not deliver it; what happens next is decided with the next attempt.",
    "cannot_combine": "The two cannot travel together.",
    "carrier_cannot": "This carrier cannot be asked for that.",
    "carrier_decides": "The carrier has it and was asked; its answer decides.",
    "carrier_refused": "The carrier refused.",
    "carrier_was_asked": "The carrier was asked already and has not answered.",
    "combined": "It travels with another order.",
    "in_the_tote": "Goods of it lie in the tote already.",
    "delivered": "It is delivered.",
    "in_part": "A part of the order is too far for this; the rest was changed.",
    "label_under_way": "A label is being bought for it at this moment; its outcome decides.",
    "labelled_already": "It carries its label already.",
    "new_order": "The brand sells what was forgotten as a new order; it travels along.",
    "no_carrier": "No carrier of this warehouse offers that service.",
    "no_such_line": "The order has no such line.",
    "not_combined": "It travels with no other order.",
    "not_enough_stock": "There is not enough stock.",
    "nothing_left": "Nothing of it is left to be changed.",
    "not_paid": "It was not paid in time.",
    "nothing_to_change": "It is like that already.",
    "packed_already": "It is packed already.",
    "returning": "It is on its way back, or lost.",
    "too_many_pieces": "More pieces than are left on the line.",
    "warnings": "Somebody must say that the warnings are known.",
    "with_carrier": "The carrier has it.",
}


def cell(kind: ChangeKind, stage: Stage) -> Cell:
    """Returns what the change meets at the stage; every pair has a cell."""
    return MATRIX[kind, stage]


def in_words(found: Cell) -> str:
    """Returns a cell as it is printed: its rule, and for a refusal why and what instead."""
    if found.rule is not Rule.REFUSE:
        return found.rule
    instead = f"; {', '.join(found.alternatives)}" if found.alternatives else ""
    return f"refuse ({found.reason_code}{instead})"


def rows() -> Iterable[tuple[str, ...]]:
    """Yields the table with its heading: a row a change, a column a stage."""
    yield ("change", *Stage)
    for kind in ChangeKind:
        yield (kind, *(in_words(MATRIX[kind, stage]) for stage in Stage))


_PAGE = """\
# What can still be changed

Printed by `wms changes --markdown` from the table that decides ([matrix.py](../wms/changes/matrix.py)); do not edit
it here.

Each column is how far a shipment is: as far as its furthest package. An order that is split over shipments is answered
for each of them. *apply* is done at once; *rework* is done at once and gives the floor something to do again; *relabel*
voids the label and buys another; *wait* is requested and decided by the label that is being
bought; *ask* is requested and decided by the carrier; *refuse* names the
reason and what is open instead.

{table}

## Reasons

{reasons}
"""


def page() -> str:
    """Returns the documentation's page about the matrix."""
    lines = ["| " + " | ".join(row) + " |" for row in rows()]
    lines.insert(1, "|---" * (len(Stage) + 1) + "|")
    reasons = "\n".join(f"- `{code}`: {sentence}" for code, sentence in sorted(REASONS.items()))
    return _PAGE.format(table="\n".join(lines), reasons=reasons)
