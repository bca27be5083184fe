# SPDX-License-Identifier: Apache-2.0
"""What can be asked of the carrier about parcels that it has: answered at once, later by push or poll, or never."""

import dataclasses

import httpx
import pytest

from carriers.errors import CarrierError
from carriers.port import (
    AmendmentAnswer,
    AmendmentOutcome,
    Capability,
    Contact,
    Outcome,
    Parcel,
    TrackingStatus,
)

SECRET = "a-secret-of-the-test"
BOX = Parcel("box-9", 700, 200, 100, 100)
KINDS = ("redirect", "edit_contact", "return_to_origin")


@pytest.fixture(autouse=True)
def _by_itself(server):
    yield
    server.call("PUT", "/sandbox/amendments", {"mode": None})


def decided_by(server, mode):
    server.call("PUT", "/sandbox/amendments", {"mode": mode})


def bought(carrier, order, key, weights_g=(1200,)):
    return carrier.buy(order(key, weights_g))


def asked(carrier, order, kind, key, shipment_id, **address):
    match kind:
        case "redirect":
            door = dataclasses.replace(order("x").ship_to, line1="1 Mill Lane", **address)
            return carrier.redirect(key, shipment_id, door)
        case "edit_contact":
            return carrier.edit_contact(key, shipment_id, Contact(phone="+44 113 496 0001"))
    return carrier.return_to_origin(key, shipment_id)


def listed(server, key):
    return next(one for one in server.call("GET", "/sandbox/amendments")["amendments"] if one["key"] == key)


def test_the_adapter_says_that_it_can():
    from carriers.sandbox.client import SandboxCarrier

    wanted = {
        Capability.ADD_PIECE,
        Capability.REDIRECT,
        Capability.EDIT_CONTACT,
        Capability.RETURN_TO_ORIGIN,
    }
    assert wanted <= SandboxCarrier.capabilities


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_waits_for_a_person_and_is_found_by_its_key(server, carrier, order, kind):
    shipment = bought(carrier, order, f"wait-{kind}")
    first = asked(carrier, order, kind, f"w-{kind}", shipment.carrier_shipment_id)
    assert (first.outcome, first.reason) == (AmendmentOutcome.REQUESTED, None)
    assert carrier.find_amendment(f"w-{kind}").outcome is AmendmentOutcome.REQUESTED
    again = asked(carrier, order, kind, f"w-{kind}", shipment.carrier_shipment_id)
    assert (again.outcome, again.amendment_id) == (AmendmentOutcome.REQUESTED, first.amendment_id)

    server.call("POST", f"/sandbox/amendments/{first.amendment_id}/decide", {"accepted": True})
    found = carrier.find_amendment(f"w-{kind}")
    assert (found.outcome, found.amendment_id) == (AmendmentOutcome.ACCEPTED, first.amendment_id)
    assert carrier.find_amendment("never-asked") is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_carrier_may_answer_at_once(server, carrier, order, kind):
    shipment = bought(carrier, order, f"once-{kind}")
    decided_by(server, "refuse")
    refused = asked(carrier, order, kind, f"no-{kind}", shipment.carrier_shipment_id)
    assert (refused.outcome, refused.reason.code) == (AmendmentOutcome.REFUSED, "driver_declined")
    decided_by(server, "accept")
    accepted = asked(carrier, order, kind, f"yes-{kind}", shipment.carrier_shipment_id)
    assert (accepted.outcome, accepted.reason) == (AmendmentOutcome.ACCEPTED, None)
    # What was refused stays refused.
    again = asked(carrier, order, kind, f"no-{kind}", shipment.carrier_shipment_id)
    assert (again.outcome, again.amendment_id) == (AmendmentOutcome.REFUSED, refused.amendment_id)


def test_one_key_is_one_question(carrier, order):
    shipment = bought(carrier, order, "one-key")
    carrier.return_to_origin("same", shipment.carrier_shipment_id)
    with pytest.raises(CarrierError) as caught:
        carrier.edit_contact("same", shipment.carrier_shipment_id, Contact(note="Ring twice"))
    assert (caught.value.code, caught.value.is_transient) == ("key_conflict", False)
    with pytest.raises(CarrierError) as caught:
        carrier.return_to_origin("nobody's", "shp_unknown")
    assert (caught.value.code, caught.value.is_transient) == ("no_such_shipment", False)


def test_an_accepted_return_turns_every_piece_round(server, carrier, order):
    shipment = bought(carrier, order, "turn", (500, 600))
    added = carrier.add_piece("turn-more", shipment.carrier_shipment_id, (BOX,))
    numbers = [piece.tracking_number for piece in (*shipment.pieces, *added.pieces)]
    for number in numbers:
        server.advance(number, "in_transit", "2026-03-02T16:00:00+00:00")
    decided_by(server, "accept")
    assert carrier.return_to_origin("turn-back", shipment.carrier_shipment_id).outcome is AmendmentOutcome.ACCEPTED
    assert [carrier.track(number)[-1].status for number in numbers] == [TrackingStatus.RETURNING] * 3
    twice = carrier.return_to_origin("turn-again", shipment.carrier_shipment_id)
    assert (twice.outcome, twice.reason.code) == (AmendmentOutcome.REFUSED, "already_returning")


def test_the_rules_refuse_at_once_what_cannot_be(server, carrier, order):
    decided_by(server, "accept")
    shipment = bought(carrier, order, "rules")
    abroad = asked(carrier, order, "redirect", "abroad", shipment.carrier_shipment_id, country="FR")
    nowhere = asked(carrier, order, "redirect", "nowhere", shipment.carrier_shipment_id, postcode="00000")
    server.advance(shipment.pieces[0].tracking_number, "delivered", "2026-03-04T10:00:00+00:00")
    late = [asked(carrier, order, kind, f"late-{kind}", shipment.carrier_shipment_id) for kind in KINDS]
    other = bought(carrier, order, "rules-void")
    carrier.void(other.carrier_shipment_id)
    void = carrier.return_to_origin("void", other.carrier_shipment_id)
    codes = [answer.reason.code for answer in (abroad, nowhere, *late, void)]
    assert codes == ["other_country", "not_serviceable", "too_late", "too_late", "too_late", "voided"]
    assert {answer.outcome for answer in (abroad, nowhere, *late, void)} == {AmendmentOutcome.REFUSED}


def test_a_yes_that_comes_after_the_delivery_is_a_no(server, carrier, order):
    shipment = bought(carrier, order, "slow")
    amendment_id = carrier.return_to_origin("slow-back", shipment.carrier_shipment_id).amendment_id
    server.advance(shipment.pieces[0].tracking_number, "delivered", "2026-03-04T10:00:00+00:00")
    server.call("POST", f"/sandbox/amendments/{amendment_id}/decide", {"accepted": True})
    found = carrier.find_amendment("slow-back")
    assert (found.outcome, found.reason.code) == (AmendmentOutcome.REFUSED, "too_late")
    told = sorted(event.status for event in carrier.track(shipment.pieces[0].tracking_number))
    assert told == [TrackingStatus.DELIVERED, TrackingStatus.PRE_TRANSIT]
    decided = httpx.post(
        f"{server.url}/sandbox/amendments/{amendment_id}/decide", json={"accepted": True}, trust_env=False
    )
    assert (decided.status_code, decided.json()["error"]["code"]) == (409, "decided")


def test_a_later_answer_is_pushed_signed_beside_what_it_causes(server, carrier, order, listener):
    carrier.register_webhook(listener.url, SECRET)
    shipment = bought(carrier, order, "pushed")
    amendment_id = carrier.return_to_origin("pushed-back", shipment.carrier_shipment_id).amendment_id
    server.call("POST", f"/sandbox/amendments/{amendment_id}/decide", {"accepted": True})
    received = listener.wait_for(2)
    assert all(carrier.verify_webhook(SECRET, headers, body) for headers, body in received)
    news = [one for headers, body in received for one in carrier.parse_webhook(headers, body)]
    answer = next(one for one in news if isinstance(one, AmendmentAnswer))
    assert answer == AmendmentAnswer(f"evt_{amendment_id}", "pushed-back", AmendmentOutcome.ACCEPTED, None)
    (moved,) = [one for one in news if one is not answer]
    assert (moved.status, moved.tracking_number) == (TrackingStatus.RETURNING, shipment.pieces[0].tracking_number)


def test_a_pushed_refusal_gives_its_reason(server, carrier, order, listener):
    carrier.register_webhook(listener.url, SECRET)
    shipment = bought(carrier, order, "pushed-no")
    amendment_id = carrier.edit_contact("pushed-no", shipment.carrier_shipment_id, Contact(note="Ring")).amendment_id
    decision = {"accepted": False, "code": "too_busy", "message": "The driver has left."}
    server.call("POST", f"/sandbox/amendments/{amendment_id}/decide", decision)
    ((headers, body),) = listener.wait_for(1)
    (answer,) = carrier.parse_webhook(headers, body)
    assert answer.outcome is AmendmentOutcome.REFUSED
    assert (answer.reason.code, answer.reason.message) == ("too_busy", "The driver has left.")


@pytest.mark.parametrize(
    ("fault", "is_there"),
    [
        ("error_500_before", False),
        ("timeout_before", False),
        ("error_500_after_success", True),
        ("timeout_after_success", True),
        ("connection_reset_after_success", True),
    ],
)
def test_a_lost_answer_is_unknown_and_the_same_key_settles_it(server, order, fault, is_there):
    carrier = server.client(timeout_s=0.5)
    shipment = bought(carrier, order, f"lost-{fault}")
    server.fault("amendment", fault, delay_s=1.0)
    lost = carrier.return_to_origin(fault, shipment.carrier_shipment_id)
    assert (lost.outcome, lost.amendment_id) == (AmendmentOutcome.UNKNOWN, None)
    assert (carrier.find_amendment(fault) is not None) == is_there
    assert carrier.return_to_origin(fault, shipment.carrier_shipment_id).outcome is AmendmentOutcome.REQUESTED
    assert listed(server, fault)["state"] == "requested"


def test_a_piece_is_added_under_the_master_number_once_per_key(carrier, order):
    shipment = bought(carrier, order, "more", (500, 600))
    added = carrier.add_piece("more-1", shipment.carrier_shipment_id, (BOX,))
    assert (added.outcome, added.is_complete) == (Outcome.BOUGHT, True)
    assert added.master_tracking == shipment.master_tracking
    assert [piece.reference for piece in added.pieces] == ["box-9"]
    assert carrier.add_piece("more-1", shipment.carrier_shipment_id, (BOX,)) == added
    assert carrier.find("more-1").pieces == added.pieces
    entries = [entry for entry in carrier.ledger() if entry.key in ("more", "more-1")]
    assert [entry.key for entry in entries] == ["more", "more", "more-1"]
    # The master number speaks for all three, and the new piece can be voided by itself.
    assert len(carrier.track(shipment.master_tracking)) == 3
    carrier.void(added.carrier_shipment_id, added.pieces[0].tracking_number)
    voided = [entry.is_voided for entry in carrier.ledger() if entry.key in ("more", "more-1")]
    assert voided == [False, False, True]


def test_a_single_parcel_gets_its_master_number_with_the_second(carrier, order):
    shipment = bought(carrier, order, "single")
    assert shipment.master_tracking is None
    added = carrier.add_piece("single-1", shipment.carrier_shipment_id, (BOX,))
    assert added.master_tracking.startswith("SBM")
    third = carrier.add_piece("single-2", shipment.carrier_shipment_id, (dataclasses.replace(BOX, reference="b10"),))
    assert third.master_tracking == added.master_tracking
    assert b"3 / 3" in third.pieces[0].label.zpl
    assert len(carrier.track(added.master_tracking)) == 3


def test_nothing_is_added_to_what_was_collected_or_voided(server, carrier, order):
    gone, void = bought(carrier, order, "gone"), bought(carrier, order, "voided")
    server.advance(gone.pieces[0].tracking_number, "collected", "2026-03-02T16:00:00+00:00")
    carrier.void(void.carrier_shipment_id)
    late = carrier.add_piece("gone-1", gone.carrier_shipment_id, (BOX,))
    dead = carrier.add_piece("voided-1", void.carrier_shipment_id, (BOX,))
    assert [(answer.outcome, answer.reason.code) for answer in (late, dead)] == [
        (Outcome.REFUSED, "already_collected"),
        (Outcome.REFUSED, "voided"),
    ]
    assert [entry for entry in carrier.ledger() if entry.key in ("gone-1", "voided-1")] == []


def test_the_page_asks_a_person_and_takes_the_answer(server, carrier, order):
    shipment = bought(carrier, order, "page")
    amendment_id = asked(carrier, order, "redirect", "page", shipment.carrier_shipment_id).amendment_id
    page = httpx.get(f"{server.url}/sandbox", trust_env=False).text
    assert "Asked about parcels" in page
    assert "1 Mill Lane" in page
    path = f"/sandbox/amendments/{amendment_id}/decide"
    assert f'action="{path}"' in page
    answer = httpx.post(server.url + path, data={"accepted": "yes"}, trust_env=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sandbox")
    assert carrier.find_amendment("page").outcome is AmendmentOutcome.ACCEPTED
    assert f'action="{path}"' not in httpx.get(f"{server.url}/sandbox", trust_env=False).text


def test_a_killed_carrier_still_knows_what_it_was_asked(new_server, order):
    server = new_server()
    shipment = bought(server.client(), order, "kept")
    server.client().return_to_origin("kept-back", shipment.carrier_shipment_id)
    server.end()
    server.start()
    assert server.client().find_amendment("kept-back").outcome is AmendmentOutcome.REQUESTED


def test_the_autopilot_says_yes_and_brings_the_parcel_back(new_server, listener, order):
    server = new_server("--autopilot-seconds", "0.3")
    carrier = server.client()
    carrier.register_webhook(listener.url, SECRET)
    shipment = bought(carrier, order, "auto")
    carrier.manifest("auto", (shipment.pieces[0].tracking_number,))
    carrier.return_to_origin("auto-back", shipment.carrier_shipment_id)
    received = listener.wait_for(4)
    news = [one for headers, body in received for one in carrier.parse_webhook(headers, body)]
    assert [one.outcome for one in news if isinstance(one, AmendmentAnswer)] == [AmendmentOutcome.ACCEPTED]
    # Pushes go out in parallel, so their order says nothing.
    told = {one.status for one in news if not isinstance(one, AmendmentAnswer)}
    assert told == {TrackingStatus.COLLECTED, TrackingStatus.RETURNING, TrackingStatus.RETURNED}
