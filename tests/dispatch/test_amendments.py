# SPDX-License-Identifier: Apache-2.0
"""The carrier is asked about what it has, once, whatever goes wrong; only its own answer settles the question."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from carriers.port import AmendmentAnswer, AmendmentKind, AmendmentOutcome, Capability, Reason
from tests.factories import snapshot
from wms.audit.service import run_audit
from wms.dispatch.models import Amendment, AmendmentState, CarrierAccount
from wms.dispatch.service import (
    AlreadyAsked,
    LabelStateConflict,
    NotWithCarrier,
    ask_once_more,
    ask_return,
    carrier_can,
    declare_answer,
    edit_contact,
    flag_unresolved,
    hear_answer,
    redirect,
    unanswered,
)
from wms.floor.board import board_of
from wms.orders.models import Recipient
from wms.platform.db import WAREHOUSE, in_transaction, transaction
from wms.shipments.models import Shipment

WHO = "brand:fennel"
KINDS = ["redirect", "edit_contact", "return_to_origin"]
LOST_BEFORE = ["error_500_before", "timeout_before"]
LOST_AFTER = ["error_500_after_success", "timeout_after_success", "connection_reset_after_success"]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, sandbox: Any) -> None:
    """A carrier that does not answer is waited for half a second."""
    from wms.platform.settings import settings

    monkeypatch.setenv("WMS_CARRIER_TIMEOUT_MS", "500")
    settings.cache_clear()


def elsewhere(session: Any, shipment: Shipment, **changed: str) -> Recipient:
    """Writes down the same person, with another street or phone."""
    before = session.get_one(Recipient, (shipment.brand_id, shipment.recipient_id))
    values = before.model_dump(exclude={"id"}) | {"street": "1 Mill Lane", "phone": "+44 113 496 0009"} | changed
    recipient = Recipient(**values)
    session.add(recipient)
    session.flush()
    return recipient


def ask(shipment: Shipment, kind: str, **changed: str) -> Amendment:
    with transaction(WAREHOUSE) as session:
        if kind == "return_to_origin":
            return ask_return(session, shipment, WHO)
        recipient = elsewhere(session, shipment, **changed)
        if kind == "redirect":
            return redirect(session, shipment, recipient, WHO)
        return edit_contact(session, shipment, recipient, WHO, "Ring twice")


def state_of(database: Any, amendment: Amendment) -> tuple[Any, ...]:
    """State, whether a person is needed, and why."""
    found: tuple[Any, ...] = database.rows(
        "SELECT state, needs_person, reason_code FROM amendment WHERE id = %s", amendment.id
    )[0]
    return found


def told(database: Any, shipment: Shipment) -> int:
    """How often the room that keeps changes was told to look at the shipment's."""
    ((count,),) = database.rows(
        "SELECT count(*) FROM job WHERE kind = 'changes.resolve' AND args->>'shipment_id' = %s", str(shipment.id)
    )
    return int(count)


def goes_to(database: Any, shipment: Shipment) -> Any:
    return database.rows("SELECT recipient_id FROM shipment WHERE id = %s", shipment.id)[0][0]


def doubts() -> list[str]:
    """What the audit says of purchases and questions in doubt."""
    findings = in_transaction(WAREHOUSE, run_audit)
    return [one for finding in findings if finding.code == "L4" for one in finding.ids]


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_carrier_accepts_is_true_of_the_shipment(
    kind: str, database: Any, gone: Any, run_jobs: Any, depot: Any
) -> None:
    shipment, _ = gone()
    depot.answers("accept")
    amendment = ask(shipment, kind)
    assert state_of(database, amendment) == ("calling", False, None)
    assert amendment.key == f"{shipment.id.hex}-{kind}-1"
    assert depot.asked(shipment) == []

    run_jobs()

    assert state_of(database, amendment) == ("accepted", False, None)
    (one,) = depot.asked(shipment)
    assert (one["kind"], one["key"], one["state"]) == (kind, amendment.key, "accepted")
    assert goes_to(database, shipment) == (amendment.recipient_id or shipment.recipient_id)
    assert told(database, shipment) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_carrier_refuses_changes_nothing(
    kind: str, database: Any, gone: Any, run_jobs: Any, depot: Any
) -> None:
    shipment, _ = gone()
    depot.answers("refuse")
    amendment = ask(shipment, kind)
    run_jobs()
    assert state_of(database, amendment) == ("refused", False, "driver_declined")
    assert goes_to(database, shipment) == shipment.recipient_id
    assert told(database, shipment) == 1


def test_the_carrier_reads_what_was_asked(gone: Any, run_jobs: Any, depot: Any) -> None:
    shipment, numbers = gone(boxes=2)
    ask(shipment, "redirect")
    ask(shipment, "edit_contact")
    run_jobs()
    wishes = {one["kind"]: one["wish"] for one in depot.asked(shipment)}
    assert wishes == {
        "redirect": "to Asha Rao, 1 Mill Lane, Leeds LS1 4AP, GB, +44 113 496 0009",
        "edit_contact": "+44 113 496 0009, Ring twice",
    }
    assert [one["numbers"] for one in depot.asked(shipment)] == [numbers, numbers]


def test_a_later_answer_is_found_by_looking(
    database: Any, gone: Any, run_jobs: Any, depot: Any, frozen_clock: Any
) -> None:
    shipment, _ = gone()
    amendment = ask(shipment, "return_to_origin")
    run_jobs()
    assert state_of(database, amendment) == ("requested", False, None)
    assert told(database, shipment) == 0
    for minutes in (10, 20):
        assert run_jobs() == 0
        frozen_clock.advance(minutes=minutes)
        assert run_jobs() == 1
        assert state_of(database, amendment) == ("requested", False, None)
    depot.decide(shipment, accepted=False, code="too_busy", message="The driver has left.")
    frozen_clock.advance(minutes=40)
    run_jobs()
    assert state_of(database, amendment) == ("refused", False, "too_busy")
    assert told(database, shipment) == 1
    assert len(depot.asked(shipment)) == 1


def test_a_carrier_that_never_answers_becomes_a_persons_task(
    database: Any, house: Any, gone: Any, run_jobs: Any, depot: Any, frozen_clock: Any
) -> None:
    shipment, _ = gone()
    amendment = ask(shipment, "return_to_origin")
    for _ in range(11):
        run_jobs()
        frozen_clock.advance(hours=8)
    assert state_of(database, amendment) == ("requested", True, None)
    assert database.rows("SELECT 1 FROM job WHERE kind = 'dispatch.amend' AND state = 'ready'") == []
    with transaction(WAREHOUSE) as session:
        (card,) = board_of(session, house.warehouse_id, frozen_clock.at).unanswered
        assert (card.shipment_id, card.note) == (shipment.id, "The carrier does not answer: return to origin")
        (waiting,) = unanswered(session, house.warehouse_id)
        assert waiting.id == amendment.id
        ask_once_more(session, waiting)
    run_jobs()
    assert len(depot.asked(shipment)) == 1
    with transaction(WAREHOUSE) as session:
        declare_answer(session, amendment, is_accepted=False, reason="They said no on the phone.")
    assert state_of(database, amendment) == ("refused", False, "declared_refused")
    with transaction(WAREHOUSE) as session, pytest.raises(LabelStateConflict):
        declare_answer(session, amendment, is_accepted=True, reason="")


@pytest.mark.parametrize("fault", LOST_AFTER)
def test_a_lost_answer_is_looked_up_and_never_asked_again(
    fault: str, database: Any, gone: Any, run_jobs: Any, sandbox: Any, depot: Any
) -> None:
    shipment, _ = gone()
    depot.answers("accept")
    sandbox.fault("amendment", fault, delay_s=1)
    amendment = ask(shipment, "return_to_origin")
    run_jobs()
    assert state_of(database, amendment)[:2] == ("unknown", False)
    assert told(database, shipment) == 0
    run_jobs(retries=True)
    assert state_of(database, amendment) == ("accepted", False, None)
    assert len(depot.asked(shipment)) == 1


@pytest.mark.parametrize("fault", LOST_BEFORE)
def test_a_question_that_never_arrived_is_asked_under_the_same_key(
    fault: str, database: Any, gone: Any, run_jobs: Any, sandbox: Any, depot: Any
) -> None:
    shipment, _ = gone()
    sandbox.fault("amendment", fault, delay_s=1)
    amendment = ask(shipment, "redirect")
    run_jobs()
    assert state_of(database, amendment)[:2] == ("unknown", False)
    assert depot.asked(shipment) == []
    run_jobs(retries=True)
    assert state_of(database, amendment) == ("requested", False, None)
    assert [one["key"] for one in depot.asked(shipment)] == [amendment.key]


def test_a_busy_carrier_is_asked_later(database: Any, gone: Any, run_jobs: Any, sandbox: Any, depot: Any) -> None:
    shipment, _ = gone()
    sandbox.fault("amendment", "rate_limited_429")
    amendment = ask(shipment, "return_to_origin")
    run_jobs()
    assert state_of(database, amendment) == ("calling", False, None)
    assert database.rows("SELECT in_doubt FROM amendment") == [(False,)]
    run_jobs(retries=True)
    assert state_of(database, amendment) == ("requested", False, None)


def test_an_unreachable_carrier_ends_as_a_refusal(
    database: Any, gone: Any, run_jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wms.platform.settings import settings

    shipment, _ = gone()
    amendment = ask(shipment, "return_to_origin")
    database.rows("UPDATE carrier_account SET base_url = 'http://127.0.0.1:9'")
    monkeypatch.setenv("WMS_JOB_ATTEMPTS_MAX", "2")
    settings.cache_clear()
    run_jobs()
    assert state_of(database, amendment) == ("calling", False, None)
    run_jobs(retries=True)
    assert state_of(database, amendment) == ("refused", False, "not_sent")
    assert told(database, shipment) == 1


def test_a_question_in_doubt_becomes_a_persons_task_after_14_minutes(
    database: Any, gone: Any, run_jobs: Any, sandbox: Any, depot: Any
) -> None:
    shipment, _ = gone()
    sandbox.fault("amendment", "error_500_before")
    amendment = ask(shipment, "return_to_origin")
    run_jobs()
    assert in_transaction(WAREHOUSE, flag_unresolved) == 0
    database.rows("UPDATE amendment SET asked_at = asked_at - interval '16 minutes'")
    assert doubts() == [f"amendment {amendment.id}"]
    assert in_transaction(WAREHOUSE, flag_unresolved) == 1
    assert state_of(database, amendment)[:2] == ("unknown", True)
    assert doubts() == []


def test_a_second_return_is_the_first_and_another_door_waits(
    database: Any, gone: Any, run_jobs: Any, depot: Any
) -> None:
    shipment, _ = gone()
    first = ask(shipment, "return_to_origin")
    assert ask(shipment, "return_to_origin").id == first.id
    door = ask(shipment, "redirect")
    before = snapshot(database)
    with pytest.raises(AlreadyAsked):
        ask(shipment, "redirect")
    assert snapshot(database) == before
    depot.answers("refuse")
    run_jobs()
    assert state_of(database, door)[0] == "refused"
    # What was refused may be asked again, which is a question of its own.
    again = ask(shipment, "redirect")
    assert again.key == f"{shipment.id.hex}-redirect-2"
    assert ask(shipment, "return_to_origin").key == f"{shipment.id.hex}-return_to_origin-2"


@pytest.mark.parametrize("kind", KINDS)
def test_the_carrier_is_not_asked_about_what_it_does_not_have(
    kind: str, database: Any, bench: Any, gone: Any, sandbox: Any
) -> None:
    shipment = bench.pack()
    labelled, _ = gone(leaving=0)
    # A box that is still here would be turned round on paper only.
    parted, _ = gone(boxes=2, leaving=1)
    arrived, (number,) = gone()
    database.rows("UPDATE package SET state = 'delivered' WHERE tracking_number = %s", number)
    database.rows("UPDATE shipment SET state = 'delivered' WHERE id = %s", arrived.id)
    before = snapshot(database)
    for one in (shipment, labelled, parted, arrived):
        with pytest.raises(NotWithCarrier):
            ask(one, kind)
    assert snapshot(database) == before


def test_what_the_carrier_can_is_known_before_anybody_asks(house: Any, bench: Any, gone: Any) -> None:
    packed = bench.pack()
    shipment, _ = gone()
    with transaction(WAREHOUSE) as session:
        assert [carrier_can(session, shipment, Capability(kind)) for kind in AmendmentKind] == [True] * 3
        assert not carrier_can(session, shipment, Capability.DOORSTEP_QC)
        assert not carrier_can(session, packed, Capability.REDIRECT)


def test_a_pushed_answer_and_a_look_settle_a_question_once(
    database: Any, house: Any, gone: Any, run_jobs: Any, depot: Any
) -> None:
    shipment, _ = gone()
    amendment = ask(shipment, "return_to_origin")
    run_jobs()
    pushed = AmendmentAnswer("evt", amendment.key, AmendmentOutcome.REFUSED, Reason("too_busy", "No."))

    def hear(key: str = amendment.key) -> bool:
        with transaction(WAREHOUSE) as session:
            account = session.get_one(CarrierAccount, house.account_id)
            return hear_answer(session, account, AmendmentAnswer("evt", key, pushed.outcome, pushed.reason))

    threads = [threading.Thread(target=hear) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state_of(database, amendment) == ("refused", False, "too_busy")
    assert told(database, shipment) == 1
    assert hear()
    assert not hear("nobody's")
    run_jobs()
    assert told(database, shipment) == 1


def test_a_push_that_overtakes_the_call_has_won(
    database: Any, house: Any, gone: Any, run_jobs: Any, depot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wms.dispatch import amendments

    shipment, _ = gone()
    amendment = ask(shipment, "return_to_origin")
    call: Callable[..., Any] = amendments.ask

    def ask_and_hear(question: Any) -> Any:
        answer = call(question)
        with transaction(WAREHOUSE) as session:
            account = session.get_one(CarrierAccount, house.account_id)
            assert hear_answer(session, account, AmendmentAnswer("evt", amendment.key, AmendmentOutcome.ACCEPTED))
        return answer

    monkeypatch.setattr(amendments, "ask", ask_and_hear)
    run_jobs()
    assert state_of(database, amendment) == ("accepted", False, None)
    assert told(database, shipment) == 1
    assert database.rows("SELECT state FROM job WHERE kind = 'dispatch.amend'") == [("done",)]


def test_every_state_of_a_question_is_reached_and_two_are_ends() -> None:
    from wms.dispatch.states import AMENDMENT_MOVES

    reached = {AmendmentState.CALLING}
    while more := {to for state in reached for to in AMENDMENT_MOVES[state]} - reached:
        reached |= more
    assert reached == set(AmendmentState)
    ends = {state for state, onward in AMENDMENT_MOVES.items() if not onward}
    assert ends == {AmendmentState.ACCEPTED, AmendmentState.REFUSED}
