# SPDX-License-Identifier: Apache-2.0
"""A late change against each step of the work: the row lock decides, and the matrix answers whoever comes second."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session, select

from tests.races.conftest import ROUNDS, YORK, Track, Yard, batches
from wms.brands.models import Staff
from wms.changes.matrix import ANSWERS, cell
from wms.changes.models import ChangeAnswer, ChangeKind
from wms.changes.stages import Stage
from wms.dispatch.models import CarrierAccount
from wms.dispatch.service import NotForHandOver, hand_over
from wms.floor.packing import CannotPack, finish_packing
from wms.floor.picking import plan_pick_list
from wms.platform.db import WAREHOUSE, in_transaction
from wms.platform.jobs import run_job
from wms.shipments.models import Shipment
from wms.shipments.release import release_due

pytestmark = pytest.mark.timeout(3600)
KINDS: dict[str, dict[str, Any]] = {
    "cancel": {},
    "address": {"recipient": YORK},
    "reduce": {"lines": [{"line": 1, "quantity": 1}]},
}
EARLY_KINDS = ["cancel", "address"]  # Before the label both sides can have their way; a reduction adds nothing.
Step = Callable[[], bool]


def staff(session: Session, badge: str) -> Staff:
    return session.exec(select(Staff).where(Staff.badge == badge)).one()


def compete(
    yard: Yard,
    kind: str,
    stages: tuple[Stage, Stage],
    event: str,
    bring: Callable[[int], list[tuple[str, Shipment]]],
    step: Callable[[Shipment], Step],
    after: Callable[[str], Any] = lambda _: None,
) -> None:
    """Runs the rounds. ``stages``: where the change finds the order when it is first, and when it is second.

    ``step`` returns the work, which says whether it was done; ``event`` is what the story tells of it.
    """
    track = Track(("change", event))
    for size in batches(ROUNDS):
        for ref, shipment in bring(size):
            work = step(shipment)
            change, was_done = track.run(lambda ref=ref: yard.change(ref, kind, **KINDS[kind]), work)
            assert change.stage in stages
            found = cell(ChangeKind(kind), Stage(change.stage))
            # The matrix names the answer to whoever came second; a refusal is stored like any other.
            assert yard.stored(change) == (ANSWERS[found.rule], found.reason_code), (change.stage, change.detail)
            told = yard.story(ref)
            is_first = change.stage == stages[0]
            mine = {"cancel": "cancelled"}.get(kind, "change_applied")
            if not is_first:
                assert was_done
                assert event in told
                if change.answer in (ChangeAnswer.APPLIED, ChangeAnswer.APPLIED_WITH_REWORK):
                    assert told.index(event) < told.index(mine)
                else:
                    assert mine not in told
            elif event == "handed_over" or (kind == "cancel" and event != "label_bought"):
                # The step was refused: what was cancelled is not worked on, and an old label does not leave.
                assert not was_done
                assert event not in told
            elif event in told and change.answer is not ChangeAnswer.REQUESTED and mine in told:
                assert told.index(mine) < told.index(event)
            track.won("change" if is_first else event)
            after(ref)
    yard.run_jobs()
    assert yard.database.rows("SELECT ref FROM change WHERE answer = 'requested' AND stage = 'labelling'") == []
    track.finish(ROUNDS)


@pytest.mark.parametrize("kind", EARLY_KINDS)
def test_change_against_release(yard: Yard, kind: str) -> None:
    def step(shipment: Shipment) -> Step:
        yard.due(shipment)
        return lambda: in_transaction(WAREHOUSE, release_due) == 1

    def after(ref: str) -> None:
        in_transaction(WAREHOUSE, release_due)  # What was skipped while it was locked comes with the next turn.

    compete(yard, kind, (Stage.HELD, Stage.RELEASED), "released", yard.orders, step, after)


@pytest.mark.parametrize("kind", EARLY_KINDS)
def test_change_against_pick_start(yard: Yard, kind: str) -> None:
    def step(shipment: Shipment) -> Step:
        yard.due(shipment)
        assert in_transaction(WAREHOUSE, release_due) == 1

        def start(session: Session) -> bool:
            picker = staff(session, "W-1001")
            return plan_pick_list(session, yard.house.warehouse_id, 1, picker) is not None

        return lambda: in_transaction(WAREHOUSE, start)

    def after(ref: str) -> None:
        if kind != "cancel":
            yard.change(ref, "cancel")  # Clears the cart and the queue for the next round.

    compete(yard, kind, (Stage.RELEASED, Stage.PICKING), "picking_started", yard.orders, step, after)


@pytest.mark.parametrize("kind", KINDS)
def test_change_against_pack(yard: Yard, sandbox: Any, kind: str) -> None:
    def step(shipment: Shipment) -> Step:
        def finish() -> bool:
            try:
                in_transaction(WAREHOUSE, lambda session: finish_packing(session, shipment, staff(session, "W-1002")))
            except CannotPack:
                return False
            return True

        return finish

    compete(yard, kind, (Stage.PICKED, Stage.LABELLING), "packed", yard.boxed, step)


@pytest.mark.parametrize("kind", KINDS)
def test_change_against_label_purchase(yard: Yard, sandbox: Any, kind: str) -> None:
    def step(shipment: Shipment) -> Step:
        ((job_id,),) = yard.database.rows(
            "SELECT j.id FROM job j JOIN label_purchase p ON p.id::text = j.args ->> 'purchase_id'"
            " WHERE p.shipment_id = %s AND j.kind = 'dispatch.buy_labels'",
            shipment.id,
        )
        return lambda: run_job(UUID(str(job_id)))

    compete(yard, kind, (Stage.LABELLING, Stage.LABELLED), "label_bought", yard.labelling, step)


@pytest.mark.parametrize("kind", KINDS)
def test_change_against_hand_over(yard: Yard, sandbox: Any, kind: str) -> None:
    def step(shipment: Shipment) -> Step:
        ((barcode,),) = yard.database.rows(
            "SELECT b.barcode FROM label b JOIN label_purchase p ON p.id = b.purchase_id WHERE p.shipment_id = %s",
            shipment.id,
        )

        def leave(session: Session) -> None:
            account = session.get_one(CarrierAccount, yard.house.account_id)
            hand_over(session, account, str(barcode), "staff:W-1003")

        def scan() -> bool:
            try:
                in_transaction(WAREHOUSE, leave)
            except NotForHandOver:
                return False
            return True

        return scan

    compete(yard, kind, (Stage.LABELLED, Stage.WITH_CARRIER), "handed_over", yard.labelled, step)
