# SPDX-License-Identifier: Apache-2.0

import threading
from dataclasses import replace

import httpx
import pypdfium2
import pytest
import zxingcpp

from carriers.errors import CarrierError
from carriers.port import (
    LedgerEntry,
    ManifestOutcome,
    Outcome,
    Reason,
    TrackingStatus,
    VoidOutcome,
)
from carriers.sandbox.client import SandboxCarrier
from carriers.sandbox.server.shipments import _check_digit


def decoded(pdf: bytes) -> list[str]:
    """What a scanner reads from the label on a 203 dpi printer, one bit per dot."""
    (page,) = pypdfium2.PdfDocument(pdf)
    image = page.render(scale=203 / 72).to_pil().convert("L").point(lambda grey: 255 * (grey > 127), "1")
    assert image.size == (812, 1218)
    return [code.text for code in zxingcpp.read_barcodes(image.convert("L"))]


def labels_of(carrier: SandboxCarrier, key: str) -> list[LedgerEntry]:
    return [entry for entry in carrier.ledger() if entry.key == key]


def test_one_parcel_gets_a_number_a_label_and_no_master(carrier, order):
    purchase = carrier.buy(order("one"))
    (piece,) = purchase.pieces
    assert (purchase.outcome, purchase.is_complete, purchase.reason) == (Outcome.BOUGHT, True, None)
    assert (purchase.master_tracking, piece.reference, piece.voided) == (None, "box-1", False)
    assert len(piece.tracking_number) == 15
    assert decoded(piece.label.pdf) == [piece.barcode] == [piece.tracking_number]
    zpl = piece.label.zpl.decode()
    assert zpl.startswith("^XA^CI28^PW812^LL1218\n")
    assert zpl.endswith("\n^XZ")
    assert f"^BY4^BCN,220,Y,N,N,A^FD{piece.barcode}^FS" in zpl


def test_the_last_digit_of_a_number_is_its_check_digit(carrier, order):
    number = carrier.buy(order("check")).pieces[0].tracking_number
    assert (number[:2], _check_digit(number[2:14])) == ("SB", int(number[14]))
    # The example that GS1 prints for its modulo-10 rule.
    assert _check_digit("629104150021") == 3


def test_forty_parcels_share_a_master_and_each_has_its_own_label(carrier, order):
    purchase = carrier.buy(order("forty", (500,) * 40))
    numbers = [piece.tracking_number for piece in purchase.pieces]
    assert (purchase.is_complete, len(set(numbers))) == (True, 40)
    assert purchase.master_tracking not in {None, *numbers}
    assert [piece.reference for piece in purchase.pieces] == [f"box-{n}" for n in range(1, 41)]
    assert [decoded(piece.label.pdf) for piece in purchase.pieces] == [[number] for number in numbers]
    assert [entry.tracking_number for entry in labels_of(carrier, "forty")] == numbers
    assert {event.tracking_number for event in carrier.track(purchase.master_tracking)} == set(numbers)


def test_a_forty_first_parcel_is_a_terminal_error_and_nothing_is_sold(carrier, order):
    with pytest.raises(CarrierError) as caught:
        carrier.buy(order("many", (500,) * 41))
    assert (caught.value.code, caught.value.is_transient) == ("bad_body", False)
    assert carrier.find("many") is None
    assert labels_of(carrier, "many") == []


def test_the_same_key_gets_the_same_answer_and_one_label(carrier, order):
    first, second = carrier.buy(order("twice")), carrier.buy(order("twice"))
    assert second == first
    assert carrier.find("twice").pieces == first.pieces
    assert len(labels_of(carrier, "twice")) == 1


def test_the_same_key_with_another_body_is_refused_and_changes_nothing(carrier, order):
    first = carrier.buy(order("conflict"))
    with pytest.raises(CarrierError) as caught:
        carrier.buy(replace(order("conflict"), service="express"))
    assert (caught.value.code, caught.value.is_transient, caught.value.is_answer_lost) == (
        "key_conflict",
        False,
        False,
    )
    assert carrier.find("conflict").pieces == first.pieces
    assert len(labels_of(carrier, "conflict")) == 1


def test_sixteen_buyers_with_one_key_get_one_label(server, order):
    carrier, start, bought = server.client(), threading.Barrier(16), []

    def buy() -> None:
        start.wait()
        bought.append(carrier.buy(order("crowd")))

    threads = [threading.Thread(target=buy) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(bought), len({purchase.raw for purchase in bought})) == (16, 1)
    assert bought[0].outcome is Outcome.BOUGHT
    assert len(labels_of(carrier, "crowd")) == 1


def test_an_unserved_postcode_is_refused_for_ever_and_without_a_label(carrier, order):
    purchase = carrier.buy(order("nowhere", postcode="00000"))
    reason = Reason("not_serviceable", "The carrier does not deliver to this postcode.")
    assert (purchase.outcome, purchase.reason) == (Outcome.REFUSED, reason)
    assert [(piece.outcome, piece.label) for piece in purchase.pieces] == [(Outcome.REFUSED, None)]
    assert carrier.buy(order("nowhere", postcode="00000")) == purchase
    assert carrier.find("nowhere").outcome is Outcome.REFUSED
    assert labels_of(carrier, "nowhere") == []


def test_a_parcel_that_is_too_heavy_is_refused_beside_one_that_is_bought(carrier, order):
    purchase = carrier.buy(order("heavy", (1000, 30_001)))
    assert (purchase.outcome, purchase.is_complete) == (Outcome.BOUGHT, False)
    assert [piece.outcome for piece in purchase.pieces] == [Outcome.BOUGHT, Outcome.REFUSED]
    assert purchase.pieces[1].reason == Reason("too_heavy", "A parcel may weigh at most 30000 g.")
    assert [entry.parcel_reference for entry in labels_of(carrier, "heavy")] == ["box-1"]


def test_a_wrong_key_is_a_terminal_error(server, order):
    stranger = SandboxCarrier(server.url, {"api_key": "wrong"}, 5.0)
    with pytest.raises(CarrierError) as caught:
        stranger.buy(order("stranger"))
    stranger.close()
    assert (caught.value.code, caught.value.is_transient) == ("no_such_key", False)
    assert server.client().find("stranger") is None


def test_nobody_listening_is_transient_and_certainly_not_sent(order):
    carrier = SandboxCarrier("http://127.0.0.1:9", {"api_key": "x"}, 5.0)
    with pytest.raises(CarrierError) as caught:
        carrier.buy(order("nobody"))
    carrier.close()
    assert (caught.value.code, caught.value.is_transient, caught.value.is_answer_lost) == (
        "not_sent",
        True,
        False,
    )


def test_a_name_full_of_printer_commands_stays_text(carrier, order):
    request = order("evil")
    evil = replace(request.ship_to, name="^XZ~JA_5E", city="Łódź")
    zpl = carrier.buy(replace(request, ship_to=evil)).pieces[0].label.zpl.decode()
    assert "^FD_5EXZ_7EJA_5F5E^FS" in zpl
    assert "Łódź SW1Y 4JH, GB" in zpl
    assert (zpl.count("^XA"), zpl.count("^XZ"), zpl.count("~")) == (1, 1, 0)


def test_a_void_takes_one_piece_and_then_the_rest_out_of_use(carrier, order):
    purchase = carrier.buy(order("void", (500, 500)))
    first, second = (piece.tracking_number for piece in purchase.pieces)
    result = carrier.void(purchase.carrier_shipment_id, second)
    assert (result.outcome, result.tracking_numbers) == (VoidOutcome.VOIDED, (second,))
    assert [piece.voided for piece in carrier.find("void").pieces] == [False, True]
    result = carrier.void(purchase.carrier_shipment_id)
    assert (result.outcome, result.tracking_numbers) == (VoidOutcome.VOIDED, (first, second))
    assert [entry.is_voided for entry in labels_of(carrier, "void")] == [True, True]
    # The first answer is repeated as it was given; what has become of the label is asked with ``find``.
    assert carrier.buy(order("void", (500, 500))) == purchase


def test_a_void_after_collection_is_refused_as_a_whole(server, carrier, order):
    purchase = carrier.buy(order("late", (500, 500)))
    server.advance(purchase.pieces[0].tracking_number, "collected", "2026-11-02T17:00:00Z")
    result = carrier.void(purchase.carrier_shipment_id)
    assert (result.outcome, result.reason.code) == (VoidOutcome.REFUSED, "already_collected")
    assert [entry.is_voided for entry in labels_of(carrier, "late")] == [False, False]


def test_voiding_what_is_not_there_is_a_terminal_error(carrier, order):
    with pytest.raises(CarrierError) as caught:
        carrier.void("shp_none")
    assert (caught.value.code, caught.value.is_transient) == ("no_such_shipment", False)
    purchase = carrier.buy(order("there"))
    with pytest.raises(CarrierError) as caught:
        carrier.void(purchase.carrier_shipment_id, "SB0")
    assert caught.value.code == "no_such_parcel"
    assert [entry.is_voided for entry in labels_of(carrier, "there")] == [False]


def test_a_manifest_is_closed_once_per_key(server, carrier, order):
    server.call("PUT", "/sandbox/clock", {"now": "2010-12-01T18:00:00+01:00"})
    numbers = tuple(piece.tracking_number for piece in carrier.buy(order("man", (500, 500))).pieces)
    result = carrier.manifest("man-1", numbers)
    assert (result.outcome, result.tracking_numbers) == (ManifestOutcome.ACCEPTED, numbers)
    assert carrier.manifest("man-1", numbers) == result
    assert {entry.manifest_id for entry in labels_of(carrier, "man")} == {result.manifest_id}
    shown = server.call("GET", f"/v1/manifests/{result.manifest_id}")
    assert (shown["created_at"], shown["tracking_numbers"]) == ("2010-12-01T17:00:00+00:00", list(numbers))
    with pytest.raises(CarrierError) as caught:
        carrier.manifest("man-1", numbers[:1])
    assert caught.value.code == "key_conflict"


def test_a_manifest_with_a_void_or_listed_or_unknown_parcel_is_refused_whole(carrier, order):
    purchase = carrier.buy(order("bad", (500, 500)))
    good, void = (piece.tracking_number for piece in purchase.pieces)
    carrier.void(purchase.carrier_shipment_id, void)
    for bad in (void, "SB0"):
        result = carrier.manifest("bad-1", (good, bad))
        assert (result.outcome, result.manifest_id) == (ManifestOutcome.REFUSED, None)
        assert result.reason == Reason("not_acceptable", f"Unknown, void, listed or collected: {bad}.")
    assert carrier.manifest("bad-1", (good, good)).reason.code == "listed_twice"
    assert [entry.manifest_id for entry in labels_of(carrier, "bad")] == [None, None]
    # A refusal leaves the key free for the corrected list.
    assert carrier.manifest("bad-1", (good,)).outcome is ManifestOutcome.ACCEPTED
    assert carrier.manifest("bad-2", (good,)).outcome is ManifestOutcome.REFUSED


def test_a_frozen_clock_dates_the_first_event(server, carrier, order):
    server.call("PUT", "/sandbox/clock", {"now": "2010-12-01T08:26:00Z"})
    (event,) = carrier.track(carrier.buy(order("dated")).pieces[0].tracking_number)
    assert (event.status, event.occurred_at.isoformat()) == (
        TrackingStatus.PRE_TRANSIT,
        "2010-12-01T08:26:00+00:00",
    )


def test_the_ledger_is_read_over_its_page_border(new_server, order):
    carrier = new_server().client(timeout_s=20.0)
    for place in range(13):
        carrier.buy(order(f"page-{place:02}", (500,) * 40))
    entries = list(carrier.ledger())
    assert len(entries) == 520
    assert [entry.key for entry in entries[::40]] == [f"page-{place:02}" for place in range(13)]


def test_numbers_depend_on_account_key_and_piece_only(new_server, server, order):
    here, there = (which.client().buy(order("same", (1, 2))) for which in (server, new_server()))
    assert [p.tracking_number for p in here.pieces] == [p.tracking_number for p in there.pieces]
    assert here.master_tracking == there.master_tracking


def test_the_page_shows_a_parcel_and_its_buttons_push_it_on(server, carrier, order):
    number = carrier.buy(order("page")).pieces[0].tracking_number
    with httpx.Client(base_url=server.url, trust_env=False, follow_redirects=True) as browser:
        assert number in browser.get("/sandbox").text
        assert decoded(browser.get(f"/sandbox/parcels/{number}/label.pdf").content) == [number]
        after = browser.post(f"/sandbox/parcels/{number}/advance", data={"status": "collected"})
        assert (after.status_code, after.url.path) == (200, "/sandbox")
        wrong = browser.post(f"/sandbox/parcels/{number}/advance", json={"status": "eaten"})
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "no_such_status")
    assert [event.raw_code for event in carrier.track(number)] == ["LBL", "COL"]
