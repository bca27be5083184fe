# SPDX-License-Identifier: Apache-2.0
"""A real sandbox carrier in its own process, and somebody who listens to its pushes."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from carriers.port import Address, Money, Parcel, ShipmentRequest
from carriers.sandbox.client import SandboxCarrier

REPOSITORY = Path(__file__).parents[2]
API_KEY = "test-key"


@dataclass
class Server:
    """A sandbox carrier's process and its back door."""

    data_dir: Path
    extra: tuple[str, ...] = ()
    url: str = ""
    process: "subprocess.Popen[str] | None" = None
    clients: list[SandboxCarrier] = field(default_factory=list)

    def start(self) -> None:
        command = [sys.executable, "-m", "carriers.sandbox.server", "--port", "0", "--api-key", API_KEY]
        command += ["--data-dir", str(self.data_dir), *self.extra]
        self.process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("sandbox carrier ready on http://127.0.0.1:"), line
        self.url = line.split()[-1]

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        os.kill(self.process.pid, how)
        self.process.wait(10)
        self.process.stdout.close()

    def client(self, timeout_s: float = 5.0) -> SandboxCarrier:
        client = SandboxCarrier(self.url, {"api_key": API_KEY}, timeout_s)
        self.clients.append(client)
        return client

    def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"x-api-key": API_KEY}
        answer = httpx.request(method, self.url + path, json=body, headers=headers, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, operation: str, kind: str, **details: Any) -> None:
        self.call("PUT", "/sandbox/faults", {operation: [{"kind": kind, "times": 1, **details}]})

    def advance(self, number: str, status: str, occurred_at: str) -> Any:
        body = {"status": status, "occurred_at": occurred_at}
        return self.call("POST", f"/sandbox/parcels/{number}/advance", body)


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers on a folder of the test's own; all are ended with the test."""
    servers: list[Server] = []

    def start(*extra: str) -> Server:
        server = Server(tmp_path / "carrier", extra)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        _close(server)


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("carrier"))
    server.start()
    yield server
    _close(server)


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    """The shared server, working properly before and after the test."""
    yield shared_server
    shared_server.call("DELETE", "/sandbox/faults")
    shared_server.call("DELETE", "/sandbox/clock")


@pytest.fixture
def carrier(server: Server) -> SandboxCarrier:
    return server.client()


@dataclass
class Listener:
    """What arrived at a callback URL; ``answers`` are given in turn, then 200 for ever."""

    url: str = ""
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int, within_s: float = 10.0) -> list[tuple[dict[str, str], bytes]]:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.received) >= count, within_s), len(self.received)
            return list(self.received)


@pytest.fixture
def listener() -> Iterator[Listener]:
    inbox = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with inbox.arrived:
                self.send_response(inbox.answers.pop(0) if inbox.answers else 200)
                self.send_header("content-length", "0")
                self.end_headers()
                inbox.received.append((dict(self.headers.items()), body))
                inbox.arrived.notify_all()

        def log_message(self, *args: Any) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    inbox.url = f"http://127.0.0.1:{httpd.server_port}/push"
    yield inbox
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def order() -> Callable[..., ShipmentRequest]:
    return make_order


def make_order(key: str, weights_g: tuple[int, ...] = (1200,), postcode: str = "SW1Y 4JH") -> ShipmentRequest:
    """A shipment whose parcels are told apart by their position."""
    return ShipmentRequest(
        key=key,
        reference="ORD-1001",
        service="standard",
        ship_from=Address("Warehouse One", "Dock 5", "Leipzig", "04109", "DE"),
        ship_to=Address("Ada Lovelace", "12 St James's Square", "London", postcode, "GB"),
        parcels=tuple(Parcel(f"box-{place}", weight, 300, 200, 100) for place, weight in enumerate(weights_g, start=1)),
        cod=Money(4599, "GBP"),
    )


def _close(server: Server) -> None:
    for client in server.clients:
        client.close()
    if server.process is not None and server.process.poll() is None:
        server.end()
