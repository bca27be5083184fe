# SPDX-License-Identifier: Apache-2.0

import json
import time

import httpx
import pytest

from carriers.port import TrackingStatus
from carriers.tracking import fold

SECRET = "a-secret-of-the-test"
LIFE = (
    ("collected", "2026-11-02T17:00:00Z"),
    ("in_transit", "2026-11-02T22:00:00Z"),
    ("out_for_delivery", "2026-11-03T07:00:00Z"),
    ("delivered", "2026-11-03T10:00:00Z"),
)


@pytest.fixture
def parcel(server, carrier, order, listener, request):
    """A parcel of a test's own, and the listener registered for its events."""
    server.call("PUT", "/sandbox/clock", {"now": "2026-11-02T15:00:00Z"})
    carrier.register_webhook(listener.url, SECRET)
    return carrier.buy(order(f"push-{request.node.name}")).pieces[0].tracking_number


def live(server, parcel):
    return [server.advance(parcel, status, at)["event_id"] for status, at in LIFE]


def read(carrier, received):
    return [event for headers, body in received for event in carrier.parse_webhook(headers, body)]


def test_every_step_is_pushed_signed_and_folds_to_delivered(server, carrier, parcel, listener):
    sent = live(server, parcel)
    received = listener.wait_for(4)
    assert all(carrier.verify_webhook(SECRET, headers, body) for headers, body in received)
    assert not any(carrier.verify_webhook("another-secret", headers, body) for headers, body in received)
    assert not any(carrier.verify_webhook(SECRET, headers, body + b" ") for headers, body in received)
    pushed = read(carrier, received)
    assert sorted(event.event_id for event in pushed) == sent
    polled = carrier.track(parcel)
    assert [event.event_id for event in polled[1:]] == sent
    assert set(pushed) == set(polled[1:])
    assert fold(pushed).status is TrackingStatus.DELIVERED


def test_a_duplicated_push_has_the_same_id_and_changes_nothing(server, carrier, parcel, listener):
    server.call("PUT", "/sandbox/faults", {"push": [{"kind": "duplicate"}]})
    sent = live(server, parcel)
    pushed = read(carrier, listener.wait_for(8))
    assert sorted(event.event_id for event in pushed) == sorted([*sent, *sent])
    assert fold(pushed) == fold(carrier.track(parcel)[1:])


def test_a_reordered_push_arrives_after_its_follower(server, carrier, parcel, listener):
    server.fault("push", "reorder", delay_s=600)
    first = server.advance(parcel, *LIFE[0])["event_id"]
    time.sleep(0.3)
    assert listener.received == []
    second = server.advance(parcel, *LIFE[1])["event_id"]
    pushed = read(carrier, listener.wait_for(2))
    assert [event.event_id for event in pushed] == [second, first]
    assert fold(pushed).status is TrackingStatus.IN_TRANSIT


def test_a_delayed_push_comes_later(server, carrier, parcel, listener):
    server.fault("push", "delay", delay_s=1.0)
    begin = time.monotonic()
    server.advance(parcel, *LIFE[0])
    listener.wait_for(1)
    assert time.monotonic() - begin >= 1.0


def test_a_dropped_push_never_comes_and_polling_finds_it(server, carrier, parcel, listener):
    dropped_before = server.call("GET", "/sandbox/outbox")["dropped"]
    server.fault("push", "drop")
    lost = server.advance(parcel, *LIFE[0])["event_id"]
    heard = server.advance(parcel, *LIFE[1])["event_id"]
    assert [event.event_id for event in read(carrier, listener.wait_for(1))] == [heard]
    assert server.call("GET", "/sandbox/outbox")["dropped"] == dropped_before + 1
    assert [event.event_id for event in carrier.track(parcel)[1:]] == [lost, heard]
    assert len(listener.received) == 1


def test_a_refused_push_is_tried_again_with_the_same_id(server, carrier, parcel, listener):
    listener.answers = [500, 302]
    event_id = server.advance(parcel, *LIFE[0])["event_id"]
    received = listener.wait_for(3)
    assert [event.event_id for event in read(carrier, received)] == [event_id] * 3
    assert [json.loads(body)["type"] for _, body in received] == ["tracking.updated"] * 3
    assert all(carrier.verify_webhook(SECRET, headers, body) for headers, body in received)


def test_a_void_parcel_does_not_move(server, carrier, order, parcel, listener):
    shipment_id = next(e.carrier_shipment_id for e in carrier.ledger() if e.tracking_number == parcel)
    carrier.void(shipment_id)
    path = f"{server.url}/sandbox/parcels/{parcel}/advance"
    answer = httpx.post(path, json={"status": "collected"}, trust_env=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "voided")
    assert len(carrier.track(parcel)) == 1
    assert listener.received == []
