# SPDX-License-Identifier: Apache-2.0

import httpx
import pytest

from carriers.errors import from_status, from_transport
from carriers.port import Parcel, ShipmentRequest
from carriers.registry import CarrierError, carrier_names, connect


@pytest.mark.parametrize(
    ("error", "code", "is_transient", "is_answer_lost"),
    [
        (httpx.ConnectError("refused"), "not_sent", True, False),
        (httpx.ConnectTimeout("slow"), "not_sent", True, False),
        (httpx.PoolTimeout("busy"), "not_sent", True, False),
        (httpx.ReadTimeout("slow"), "timeout", True, True),
        (httpx.WriteTimeout("slow"), "timeout", True, True),
        (httpx.ReadError("reset"), "connection_lost", True, True),
        (httpx.WriteError("reset"), "connection_lost", True, True),
        (httpx.RemoteProtocolError("cut"), "connection_lost", True, True),
        (httpx.DecodingError("bad gzip"), "connection_lost", True, True),
        (httpx.UnsupportedProtocol("ftp"), "bad_request_setup", False, False),
    ],
)
def test_a_failed_exchange_says_whether_it_may_have_taken_effect(error, code, is_transient, is_answer_lost):
    found = from_transport(error)
    assert (found.code, found.is_transient, found.is_answer_lost) == (code, is_transient, is_answer_lost)


@pytest.mark.parametrize(
    ("status", "is_transient", "is_answer_lost"),
    [
        (301, False, False),
        (400, False, False),
        (401, False, False),
        (403, False, False),
        (404, False, False),
        (408, True, True),
        (409, False, False),
        (425, True, True),
        (429, True, False),
        (500, True, True),
        (503, True, True),
    ],
)
def test_a_status_is_transient_or_terminal_and_lost_or_not(status, is_transient, is_answer_lost):
    found = from_status(httpx.Response(status))
    assert (found.is_transient, found.is_answer_lost) == (is_transient, is_answer_lost)


def test_a_firewalls_403_is_transient_where_the_carrier_throttles_with_it():
    answer = httpx.Response(403, headers={"retry-after": "30"})
    found = from_status(answer, forbidden_means_throttled=True)
    assert (found.code, found.is_transient, found.retry_after_s) == ("rate_limited", True, 30.0)


def test_an_unknown_carrier_is_a_terminal_error():
    with pytest.raises(CarrierError, match="no carrier 'acme'; known: sandbox") as caught:
        connect("acme", "http://127.0.0.1:1", {})
    assert (caught.value.code, caught.value.is_transient) == ("unknown_carrier", False)
    assert carrier_names() == ("sandbox",)


def test_a_missing_credential_is_a_terminal_error():
    with pytest.raises(CarrierError) as caught:
        connect("sandbox", "http://127.0.0.1:1", {})
    assert (caught.value.code, caught.value.is_transient) == ("no_api_key", False)


def test_a_shipment_needs_parcels_that_can_be_told_apart(order):
    whole = order("k")
    with pytest.raises(ValueError, match="at least one"):
        ShipmentRequest("k", "r", "s", whole.ship_from, whole.ship_to, ())
    twins = (Parcel("a", 1, 1, 1, 1), Parcel("a", 2, 2, 2, 2))
    with pytest.raises(ValueError, match="share a reference"):
        ShipmentRequest("k", "r", "s", whole.ship_from, whole.ship_to, twins)
