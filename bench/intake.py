# SPDX-License-Identifier: Apache-2.0
"""Orders in: singles from many clients at once, and thousands in one call, over real HTTP."""

import json
import pickle
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from bench.figures import Figure, percentile
from bench.orders import orders
from bench.rows import Written, bulk_rows, single_rows
from bench.world import Server, World, server

FLOOR_CONNECTIONS: Final = (8, 16, 32)
_PATIENCE_SECONDS: Final = 600


@dataclass(frozen=True)
class Size:
    singles: int = 4_000
    clients: int = 32
    bulk: int = 5_000
    rounds: int = 5


def measure(made: World, size: Size, workers: int = 1) -> list[Figure]:
    """Measures both ways in, round by round beside their floors."""
    with server(made, workers) as served:
        # The first requests compile, connect and cache; a server that has run for a minute has done so.
        _call(made, served, 600 if size.singles > 600 else 32, "warm", size.clients, bulk=False)
        _call(made, served, min(size.bulk, 500), "warmbulk", 1, bulk=True)
        single = _singles(made, served, size, workers)
        bulk = _bulks(made, served, size)
    return [single, bulk]


def _singles(made: World, served: Server, size: Size, workers: int) -> Figure:
    ours: list[float] = []
    floors: dict[int, list[float]] = {connections: [] for connections in FLOOR_CONNECTIONS}
    latencies: list[float] = []
    shares: list[float] = []
    server_cpu: list[float] = []
    for number in range(size.rounds):
        for connections in FLOOR_CONNECTIONS:
            drafts = orders(size.singles, f"f{connections}-{number}", made.skus)
            ready = single_rows(made, drafts)
            made.tidy()
            floors[connections].append(size.singles / _load(made, ready, connections))
        made.tidy()
        before = served.cpu_seconds()
        answer = _call(made, served, size.singles, f"s{number}", size.clients, bulk=False)
        server_cpu.append(1e6 * (served.cpu_seconds() - before) / size.singles)
        ours.append(size.singles / answer["seconds"])
        shares.append(answer["cpu_seconds"] / answer["seconds"])
        latencies += answer["latencies"]
    best = max(FLOOR_CONNECTIONS, key=lambda connections: median(floors[connections]))
    return Figure(
        "single orders",
        "orders/s",
        ours,
        floors[best],
        f"bare psycopg, a transaction an order, prepared, pipelined, {best} connections",
        {
            "clients": size.clients,
            "server processes": workers,
            "p50_ms": round(1000 * percentile(latencies, 0.50), 1),
            "p95_ms": round(1000 * percentile(latencies, 0.95), 1),
            "p99_ms": round(1000 * percentile(latencies, 0.99), 1),
            "client_cpu_share_of_a_core": round(median(shares), 2),
            "server_cpu_us_per_order": round(median(server_cpu)),
            "floors": {str(key): round(median(values), 1) for key, values in floors.items()},
        },
    )


def _bulks(made: World, served: Server, size: Size) -> Figure:
    ours, floor, shares = [], [], []
    for number in range(size.rounds):
        ready = bulk_rows(made, orders(size.bulk, f"c{number}", made.skus))
        made.tidy()
        floor.append(size.bulk / _load(made, [ready], 0))
        made.tidy()
        before = served.cpu_seconds()
        answer = _call(made, served, size.bulk, f"b{number}", 1, bulk=True)
        shares.append(1e6 * (served.cpu_seconds() - before) / size.bulk)
        ours.append(size.bulk / answer["seconds"])
    return Figure(
        "bulk orders",
        "orders/s",
        ours,
        floor,
        "COPY of the same rows as ready text, in one transaction",
        {"orders_per_call": size.bulk, "server_cpu_us_per_order": round(median(shares))},
    )


def _call(made: World, served: Server, count: int, prefix: str, clients: int, *, bulk: bool) -> dict[str, Any]:
    plan = {
        "port": served.port,
        "api_key": made.api_key,
        "orders": count,
        # Another run on the same rows must not find its references taken.
        "prefix": f"{prefix}-{time.time_ns():x}",
        "skus": made.skus,
        "clients": clients,
        "bulk": bulk,
    }
    command = [sys.executable, "-m", "bench.caller"]
    done = subprocess.run(
        command, input=json.dumps(plan), capture_output=True, text=True, check=True, timeout=_PATIENCE_SECONDS
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    wanted = {"200": 1} if bulk else {"201": count}
    if answer["statuses"] != wanted:
        raise RuntimeError(f"Not every order was accepted: {answer['statuses']} {answer['worst']}")
    return answer


def _load(made: World, ready: list[Written], connections: int) -> float:
    task = {"url": made.database_url, "orders": ready, "connections": connections}
    command = [sys.executable, "-m", "bench.loader"]
    done = subprocess.run(command, input=pickle.dumps(task), capture_output=True, check=True, timeout=_PATIENCE_SECONDS)
    seconds: float = json.loads(done.stdout)["seconds"]
    return seconds
