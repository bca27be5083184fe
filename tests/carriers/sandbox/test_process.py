# SPDX-License-Identifier: Apache-2.0

import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from carriers.errors import CarrierError
from carriers.port import Outcome, TrackingStatus

SECRET = "a-secret-of-the-test"


def test_a_killed_carrier_keeps_its_books_its_clock_and_its_outbox(new_server, listener, order):
    server = new_server()
    server.call("PUT", "/sandbox/clock", {"now": "2010-12-01T08:26:00Z"})
    carrier = server.client()
    carrier.register_webhook(listener.url, SECRET)
    bought = carrier.buy(order("kept", (500, 500)))
    number = bought.pieces[0].tracking_number
    server.fault("push", "delay", delay_s=1.5)
    event_id = server.advance(number, "collected", "2010-12-01T17:00:00Z")["event_id"]
    server.end(signal.SIGKILL)
    assert listener.received == []

    server.start()
    carrier = server.client()
    assert carrier.buy(order("kept", (500, 500))) == bought
    assert len(list(carrier.ledger())) == 2
    assert server.call("GET", "/sandbox/clock") == {"now": "2010-12-01T08:26:00+00:00", "is_frozen": True}
    ((headers, body),) = listener.wait_for(1)
    assert carrier.verify_webhook(SECRET, headers, body)
    assert [event.event_id for event in carrier.parse_webhook(headers, body)] == [event_id]


def test_the_autopilot_delivers_what_is_on_a_manifest_and_only_that(new_server, listener, order):
    server = new_server("--autopilot-seconds", "0.2")
    carrier = server.client()
    carrier.register_webhook(listener.url, SECRET)
    listed, left, voided = (carrier.buy(order(f"auto-{n}")) for n in range(3))
    numbers = tuple(purchase.pieces[0].tracking_number for purchase in (listed, voided))
    carrier.manifest("auto", numbers)
    carrier.void(voided.carrier_shipment_id)
    received = listener.wait_for(4)
    assert [e.status for headers, body in received for e in carrier.parse_webhook(headers, body)] == [
        TrackingStatus.COLLECTED,
        TrackingStatus.IN_TRANSIT,
        TrackingStatus.OUT_FOR_DELIVERY,
        TrackingStatus.DELIVERED,
    ]
    time.sleep(0.5)
    assert len(listener.received) == 4
    assert len(carrier.track(left.pieces[0].tracking_number)) == 1


def test_a_hanging_answer_does_not_hold_up_the_end(new_server, order):
    server = new_server()
    server.fault("purchase", "timeout_after_success", delay_s=60)
    assert server.client(timeout_s=0.2).buy(order("hang")).outcome is Outcome.UNKNOWN
    begin = time.monotonic()
    server.end()
    assert time.monotonic() - begin < 5
    assert server.process.returncode == 0


def refused(*arguments: str) -> str:
    command = [sys.executable, "-m", "carriers.sandbox.server", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


def test_a_second_carrier_on_the_same_books_says_so_and_ends(new_server, order):
    server = new_server()
    said = refused("--port", "0", "--data-dir", str(server.data_dir))
    assert said == f"Another sandbox carrier already runs on {server.data_dir}.\n"
    assert server.client().buy(order("unharmed")).outcome is Outcome.BOUGHT


def test_a_busy_port_says_so_and_leaves_no_books(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        said = refused("--port", str(port), "--data-dir", str(tmp_path / "new"))
    assert said == f"The sandbox carrier cannot listen on 127.0.0.1:{port}: Address already in use.\n"
    assert not (tmp_path / "new" / "ledger.sqlite3").exists()


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    said = refused("--port", "0", "--data-dir", str(tmp_path / "file" / "books"))
    assert said == f"The folder {tmp_path}/file/books cannot be made: Not a directory.\n"


def test_a_carrier_killed_among_purchases_has_one_label_per_key_afterwards(new_server, order):
    server = new_server()
    keys = [f"storm-{place:03}" for place in range(240)]
    carrier = server.client(timeout_s=2.0)

    def buy(key: str) -> str:
        try:
            return carrier.buy(order(key)).outcome
        except CarrierError as error:
            return error.code

    with ThreadPoolExecutor(8) as buyers:
        attempts = [buyers.submit(buy, key) for key in keys]
        while sum(attempt.done() for attempt in attempts) < 40:
            time.sleep(0.001)
        server.end(signal.SIGKILL)
        first = [attempt.result() for attempt in attempts]
    assert first.count(Outcome.BOUGHT) >= 40
    assert first.count("not_sent") > 0
    # Only what certainly never left is reported as an error; everything else is bought or unknown.
    assert set(first) <= {Outcome.BOUGHT, Outcome.UNKNOWN, "not_sent"}

    server.start()
    carrier = server.client()
    kept = {entry.key for entry in carrier.ledger()}
    assert {key for key, outcome in zip(keys, first, strict=True) if outcome is Outcome.BOUGHT} <= kept
    assert not {key for key, outcome in zip(keys, first, strict=True) if outcome == "not_sent"} & kept
    assert [carrier.buy(order(key)).outcome for key in keys] == [Outcome.BOUGHT] * 240
    assert sorted(entry.key for entry in carrier.ledger()) == keys
