# SPDX-License-Identifier: Apache-2.0
"""How purchases and labels move. Rows are moved under the lock of their shipment, so a plain write is enough."""

from collections.abc import Mapping
from typing import Final

from wms.dispatch.models import Amendment, AmendmentState, Label, LabelPurchase, LabelState, PurchaseState
from wms.platform.errors import Conflict

P, L, A = PurchaseState, LabelState, AmendmentState

PURCHASE_MOVES: Final[Mapping[PurchaseState, frozenset[PurchaseState]]] = {
    P.CALLING: frozenset({P.BOUGHT, P.REFUSED, P.UNKNOWN}),
    P.UNKNOWN: frozenset({P.BOUGHT, P.REFUSED}),
    P.BOUGHT: frozenset(),
    P.REFUSED: frozenset(),
}
LABEL_MOVES: Final[Mapping[LabelState, frozenset[LabelState]]] = {
    L.CALLING: frozenset({L.BOUGHT, L.REFUSED, L.UNKNOWN, L.VOID_REQUESTED, L.VOIDED}),
    L.UNKNOWN: frozenset({L.BOUGHT, L.REFUSED, L.VOID_REQUESTED, L.VOIDED}),
    L.BOUGHT: frozenset({L.VOID_REQUESTED}),
    L.VOID_REQUESTED: frozenset({L.VOIDED}),
    L.VOIDED: frozenset(),
    L.REFUSED: frozenset(),
}
AMENDMENT_MOVES: Final[Mapping[AmendmentState, frozenset[AmendmentState]]] = {
    A.CALLING: frozenset({A.REQUESTED, A.ACCEPTED, A.REFUSED, A.UNKNOWN}),
    A.UNKNOWN: frozenset({A.REQUESTED, A.ACCEPTED, A.REFUSED}),
    A.REQUESTED: frozenset({A.ACCEPTED, A.REFUSED}),
    A.ACCEPTED: frozenset(),
    A.REFUSED: frozenset(),
}
# A package has at most one label in these states, and only a bought one is accepted at the dock.
LIVE: Final = frozenset({L.CALLING, L.UNKNOWN, L.BOUGHT})
UNRESOLVED: Final = frozenset({P.CALLING, P.UNKNOWN})
UNANSWERED: Final = frozenset({A.CALLING, A.REQUESTED, A.UNKNOWN})


class LabelStateConflict(Conflict):
    """The label or its purchase is in a state that does not allow this."""

    code = "label_state"


def move_purchase(purchase: LabelPurchase, target: PurchaseState) -> None:
    """Moves a purchase, or raises :class:`LabelStateConflict`."""
    if target not in PURCHASE_MOVES[purchase.state]:
        raise LabelStateConflict(f"This purchase is {purchase.state}; it cannot become {target}.")
    purchase.state = target


def move_amendment(amendment: Amendment, target: AmendmentState) -> None:
    """Moves an amendment, or raises :class:`LabelStateConflict`."""
    if target not in AMENDMENT_MOVES[amendment.state]:
        raise LabelStateConflict(f"This question is {amendment.state}; it cannot become {target}.")
    amendment.state = target


def move_label(label: Label, target: LabelState) -> None:
    """Moves a label, or raises :class:`LabelStateConflict`."""
    if target not in LABEL_MOVES[label.state]:
        raise LabelStateConflict(f"This label is {label.state}; it cannot become {target}.")
    label.state = target
