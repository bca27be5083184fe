# SPDX-License-Identifier: Apache-2.0

import httpx
import pytest

from carriers.errors import CarrierError
from carriers.port import ManifestOutcome, Outcome, VoidOutcome
from carriers.sandbox.server.faults import FaultPlan, Faults


def labels_of(carrier, key):
    return [entry for entry in carrier.ledger() if entry.key == key]


@pytest.mark.parametrize(
    ("kind", "reason", "labels_after"),
    [
        ("error_500_before", "internal", 0),
        ("error_500_after_success", "internal", 1),
        ("timeout_before", "timeout", 0),
        ("timeout_after_success", "timeout", 1),
        ("connection_reset_after_success", "connection_lost", 1),
    ],
)
def test_a_lost_answer_is_unknown_and_the_same_key_settles_it(server, order, kind, reason, labels_after):
    carrier = server.client(timeout_s=0.5)
    server.fault("purchase", kind, delay_s=1.0)
    lost = carrier.buy(order(kind))
    assert (lost.outcome, lost.reason.code, lost.pieces) == (Outcome.UNKNOWN, reason, ())
    assert len(labels_of(carrier, kind)) == labels_after
    found = carrier.find(kind)
    assert (found is not None) == bool(labels_after)
    bought = carrier.buy(order(kind))
    assert bought.outcome is Outcome.BOUGHT
    assert found is None or found.pieces == bought.pieces
    assert len(labels_of(carrier, kind)) == 1


def test_a_limit_is_transient_and_nothing_was_sold(server, carrier, order):
    server.fault("purchase", "rate_limited_429")
    with pytest.raises(CarrierError) as caught:
        carrier.buy(order("limit"))
    assert (caught.value.code, caught.value.is_transient, caught.value.is_answer_lost) == (
        "rate_limited",
        True,
        False,
    )
    assert caught.value.retry_after_s == 1.0
    assert labels_of(carrier, "limit") == []
    assert carrier.buy(order("limit")).outcome is Outcome.BOUGHT


def test_a_refusal_on_purpose_stays_a_refusal_under_its_key(server, carrier, order):
    server.fault("purchase", "refuse")
    assert carrier.buy(order("refuse")).outcome is Outcome.REFUSED
    assert carrier.buy(order("refuse")).outcome is Outcome.REFUSED
    assert labels_of(carrier, "refuse") == []
    assert carrier.buy(order("refuse-2")).outcome is Outcome.BOUGHT


def test_half_of_a_shipment_may_be_refused(server, carrier, order):
    server.fault("purchase", "half")
    purchase = carrier.buy(order("half", (1, 2, 3)))
    assert (purchase.outcome, purchase.is_complete) == (Outcome.BOUGHT, False)
    assert [piece.outcome for piece in purchase.pieces] == [Outcome.BOUGHT, Outcome.REFUSED, Outcome.BOUGHT]
    assert [entry.parcel_reference for entry in labels_of(carrier, "half")] == ["box-1", "box-3"]
    assert carrier.find("half").pieces == purchase.pieces


@pytest.mark.parametrize("kind", ["error_500_after_success", "connection_reset_after_success"])
def test_a_lost_void_is_unknown_and_asking_again_settles_it(server, carrier, order, kind):
    key = f"void-{kind}"
    shipment_id = carrier.buy(order(key)).carrier_shipment_id
    server.fault("void", kind)
    assert carrier.void(shipment_id).outcome is VoidOutcome.UNKNOWN
    assert [entry.is_voided for entry in labels_of(carrier, key)] == [True]
    assert carrier.void(shipment_id).outcome is VoidOutcome.VOIDED


def test_a_lost_manifest_is_unknown_and_the_same_key_settles_it(server, carrier, order):
    number = carrier.buy(order("manifest")).pieces[0].tracking_number
    server.fault("manifest", "error_500_after_success")
    assert carrier.manifest("lost-1", (number,)).outcome is ManifestOutcome.UNKNOWN
    result = carrier.manifest("lost-1", (number,))
    assert (result.outcome, result.tracking_numbers) == (ManifestOutcome.ACCEPTED, (number,))
    assert [entry.manifest_id for entry in labels_of(carrier, "manifest")] == [result.manifest_id]


def test_faults_are_shown_used_up_and_cleared(server, carrier, order):
    server.call("PUT", "/sandbox/faults", {"purchase": [{"kind": "error_500_before", "times": 2}]})
    carrier.buy(order("used"))
    (left,) = server.call("GET", "/sandbox/faults")["purchase"]
    assert (left["kind"], left["times"]) == ("error_500_before", 1)
    carrier.buy(order("used"))
    assert server.call("GET", "/sandbox/faults")["purchase"] == []
    server.fault("purchase", "refuse")
    assert server.call("DELETE", "/sandbox/faults") == {
        "purchase": [],
        "void": [],
        "manifest": [],
        "amendment": [],
        "push": [],
    }
    assert carrier.buy(order("used")).outcome is Outcome.BOUGHT


def test_an_unknown_fault_is_refused_and_the_plan_stays(server):
    server.fault("purchase", "refuse")
    wrong = {"purchase": [{"kind": "explode"}]}
    answer = httpx.put(server.url + "/sandbox/faults", json=wrong, trust_env=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_body")
    assert [fault["kind"] for fault in server.call("GET", "/sandbox/faults")["purchase"]] == ["refuse"]


def test_a_seed_makes_chance_repeatable():
    plan = FaultPlan.model_validate({"purchase": [{"kind": "refuse", "probability": 0.3, "seed": 7}]})
    faults = Faults()

    def run() -> list[bool]:
        faults.replace(plan)
        return [faults.draw("purchase") is not None for _ in range(200)]

    first = run()
    assert first == run()
    assert 30 < sum(first) < 90
