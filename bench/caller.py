# SPDX-License-Identifier: Apache-2.0
"""Keep-alive clients in a process of their own: ``python -m bench.caller`` reads a plan as JSON, sends its requests
and prints what it measured. It is a thin protocol on purpose, so that it eats little of the machine."""

import asyncio
import json
import sys
import time
from collections import Counter
from typing import Any, cast

import httptools
import uvloop

from bench.orders import orders


class _Caller(asyncio.Protocol):
    """One connection: sends the next request as soon as the last one was answered."""

    def __init__(self, requests: "list[bytes]", done: "asyncio.Future[None]") -> None:
        self.requests, self.done = requests, done
        self.seconds: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.worst = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not one of asyncio's own classes under uvloop.
        self.transport = cast(asyncio.Transport, transport)
        self._next()

    def _next(self) -> None:
        if not self.requests:
            self.transport.close()
            return
        self.parser, self.body = httptools.HttpResponseParser(self), b""
        self.started = time.perf_counter()
        self.transport.write(self.requests.pop())

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.seconds.append(time.perf_counter() - self.started)
        status = self.parser.get_status_code()
        self.statuses[status] += 1
        if status >= 300:
            self.worst = self.body[:300]
        self._next()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def _request(path: str, api_key: str, body: bytes, key: str | None) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {api_key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    )
    return (head + (f"idempotency-key: {key}\r\n" if key else "") + "\r\n").encode() + body


def _requests(plan: dict[str, Any]) -> list[bytes]:
    made = orders(plan["orders"], plan["prefix"], plan["skus"])
    if plan["bulk"]:
        return [_request("/v1/orders/bulk", plan["api_key"], json.dumps(made).encode(), plan["prefix"])]
    return [
        _request("/v1/orders", plan["api_key"], json.dumps(one).encode(), f"key-{one['ref']}") for one in reversed(made)
    ]


async def call(plan: dict[str, Any]) -> dict[str, Any]:
    """Sends ``plan["orders"]`` orders over ``plan["clients"]`` connections; returns seconds, latencies and statuses."""
    requests = _requests(plan)
    # The clients share one pile, so that no connection is idle at the end.
    loop = asyncio.get_running_loop()
    cpu, started = time.process_time(), time.perf_counter()
    callers = []
    for _ in range(plan["clients"]):
        done = loop.create_future()
        _, caller = await loop.create_connection(lambda done=done: _Caller(requests, done), "127.0.0.1", plan["port"])  # type: ignore[misc]
        callers.append(caller)
    await asyncio.gather(*(caller.done for caller in callers))
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "cpu_seconds": time.process_time() - cpu,
        "latencies": [one for caller in callers for one in caller.seconds],
        "statuses": dict(sum((caller.statuses for caller in callers), Counter())),
        "worst": next((caller.worst.decode() for caller in callers if caller.worst), ""),
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(call(json.loads(sys.stdin.read())))))
