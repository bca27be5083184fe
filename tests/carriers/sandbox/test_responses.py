# SPDX-License-Identifier: Apache-2.0

import json
import time
from datetime import UTC, datetime

import pytest

from carriers.errors import CarrierError
from carriers.port import Outcome, Reason, TrackingStatus
from carriers.sandbox import requests, responses

EVENT = {
    "event_id": "evt_1",
    "tracking_number": "SB1",
    "status": "delivery_failed",
    "code": "ATT-07",
    "text": "Nobody home",
    "occurred_at": "2026-11-02T14:30:00+05:30",
    "location": "Pune",
}


def pushed(event=EVENT):
    return json.dumps({"type": "tracking.updated", "event": event}).encode()


def test_a_request_is_exactly_these_bytes(order):
    assert json.loads(requests.shipment(order("k-1"))) == {
        "key": "k-1",
        "reference": "ORD-1001",
        "service": "standard",
        "from": {
            "name": "Warehouse One",
            "line1": "Dock 5",
            "city": "Leipzig",
            "postcode": "04109",
            "country": "DE",
            "line2": "",
            "region": "",
            "company": "",
            "phone": "",
            "email": "",
        },
        "to": {
            "name": "Ada Lovelace",
            "line1": "12 St James's Square",
            "city": "London",
            "postcode": "SW1Y 4JH",
            "country": "GB",
            "line2": "",
            "region": "",
            "company": "",
            "phone": "",
            "email": "",
        },
        "parcels": [{"reference": "box-1", "weight_g": 1200, "size_mm": [300, 200, 100]}],
        "cod": {"amount": 4599, "currency": "GBP"},
        "contents_value": None,
    }
    assert requests.void(None) == b'{"tracking_number":null}'
    assert requests.manifest("m", ("SB1", "SB2")) == b'{"key":"m","tracking_numbers":["SB1","SB2"]}'


def test_a_pushed_event_is_read_into_our_words_and_utc():
    (event,) = responses.parse_webhook({"X-Sandbox-Event": "evt_1"}, pushed())
    assert event.status is TrackingStatus.ATTEMPT_FAILED
    assert (event.raw_code, event.raw_text, event.location) == ("ATT-07", "Nobody home", "Pune")
    assert event.occurred_at == datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    assert event.occurred_at.tzinfo is UTC


def test_a_word_that_we_do_not_know_is_an_exception_and_keeps_its_code():
    (event,) = responses.parse_webhook({"x-sandbox-event": "evt_1"}, pushed({**EVENT, "status": "eaten"}))
    assert (event.status, event.raw_code) == (TrackingStatus.EXCEPTION, "ATT-07")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x-sandbox-event": "evt_2"}, pushed()),
        ({}, pushed()),
        ({"x-sandbox-event": "evt_1"}, b"not json"),
        ({"x-sandbox-event": "evt_1"}, b"{}"),
        ({"x-sandbox-event": "evt_1"}, b"[]"),
        ({"x-sandbox-event": "evt_1"}, pushed({**EVENT, "occurred_at": "2026-11-02T14:30:00"})),
        ({"x-sandbox-event": "evt_1"}, pushed({**EVENT, "tracking_number": None})),
    ],
)
def test_a_push_that_cannot_be_read_is_an_error_and_no_event(headers, body):
    with pytest.raises(CarrierError) as caught:
        responses.parse_webhook(headers, body)
    assert (caught.value.code, caught.value.raw) == ("unreadable_answer", body)


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"null", b'{"id":"x","pieces":[]}', b"<html>"])
def test_an_empty_success_is_an_error_and_not_an_empty_purchase(raw):
    with pytest.raises(CarrierError) as caught:
        responses.parse_shipment(raw)
    assert (caught.value.code, caught.value.is_answer_lost) == ("unreadable_answer", True)


def test_a_refused_shipment_is_read_with_its_reason():
    reason = {"code": "too_heavy", "message": "Too heavy."}
    piece = {"reference": "box-1", "state": "refused", "error": reason}
    raw = json.dumps({"id": "shp", "master_number": None, "error": reason, "pieces": [piece]}).encode()
    purchase = responses.parse_shipment(raw)
    assert (purchase.outcome, purchase.reason) == (Outcome.REFUSED, Reason("too_heavy", "Too heavy."))
    assert (purchase.raw, purchase.is_complete) == (raw, False)


def test_a_signature_is_checked_against_a_vector_made_elsewhere(monkeypatch):
    # printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac topsecret
    signature = "6a939b0c71853d606167625a15168ee9188c6a511c773ef4f42d307f3849e50f"
    headers = {"X-Sandbox-Timestamp": "1700000000", "X-Sandbox-Signature": signature}
    monkeypatch.setattr(time, "time", lambda: 1700000000.0 + 300)
    assert responses.verify_webhook("topsecret", headers, b'{"a":1}')
    assert not responses.verify_webhook("othersecret", headers, b'{"a":1}')
    assert not responses.verify_webhook("", headers, b'{"a":1}')
    assert not responses.verify_webhook("topsecret", headers, b'{"a":2}')
    assert not responses.verify_webhook("topsecret", {**headers, "X-Sandbox-Timestamp": "1700000001"}, b'{"a":1}')
    assert not responses.verify_webhook("topsecret", {}, b'{"a":1}')
    assert not responses.verify_webhook("topsecret", {**headers, "X-Sandbox-Signature": "ü"}, b'{"a":1}')
    monkeypatch.setattr(time, "time", lambda: 1700000000.0 + 301.5)
    assert not responses.verify_webhook("topsecret", headers, b'{"a":1}')
