# SPDX-License-Identifier: Apache-2.0
"""How long a picker waits after a scan, with twenty of them on the floor: real forms over HTTP, cookies and all.

A scan ends when the next screen is there: the place and the item are one page each, the tote is a form, the redirect
behind it, and the next stop's page. The floor is one committed row by bare psycopg, which is
less than a scan writes: it shows what the disk and the server alone take. The pickers' own threads share the machine.
"""

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from uuid import uuid4

import httpx

from bench.figures import Figure, percentile
from bench.release import fill, release_all
from bench.world import PIN, Server, World, server

_FORM = re.compile(r'<form method="post" action="([^"]+)"(.*?)</form>', re.DOTALL)
_FIELD = re.compile(r"<input\b[^>]*>")
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
_SLOTS = 6


@dataclass
class Picker:
    """One person with a handheld: scans what the screen asks for, again and again."""

    port: int
    badge: str
    totes: list[str]
    pause_seconds: float
    scans_wanted: int
    seconds: list[float] = field(default_factory=list)

    def work(self, begin: threading.Barrier) -> None:
        """Logs in, waits for the others, and walks until enough scans are timed."""
        address = f"http://127.0.0.1:{self.port}"
        headers = {"origin": address}
        with httpx.Client(base_url=address, headers=headers, follow_redirects=True, timeout=30, trust_env=False) as web:
            page = self._send(web, web.get("/floor/login"), badge=self.badge, pin=PIN)
            assert page.url.path == "/floor", page.text
            begin.wait()
            while len(self.seconds) < self.scans_wanted:
                page = self._send(web, web.get("/floor/pick"), slots=str(_SLOTS))
                if "/floor/pick/" not in page.url.path:
                    raise RuntimeError("There is nothing left to pick; release more shipments.")
                self._walk(web, page)

    def _walk(self, web: httpx.Client, page: httpx.Response) -> None:
        while "Scan an empty tote" in page.text:
            page = self._send(web, page, tote=self.totes.pop())
        while "Scan the place" in page.text and len(self.seconds) < self.scans_wanted:
            place = _shown(page)
            page = self._timed(self._look, web, page, location=place)
            sku = re.search(r"SKU-\d{4}", page.text)
            assert sku is not None, page.text
            page = self._timed(self._look, web, page, location=place, item=sku.group())
            page = self._timed(self._send, web, page, tote=_shown(page))

    def _timed(
        self, scan: Callable[..., httpx.Response], web: httpx.Client, page: httpx.Response, **typed: str
    ) -> httpx.Response:
        started = time.perf_counter()
        page = scan(web, page, **typed)
        self.seconds.append(time.perf_counter() - started)
        assert page.status_code == 200, page.text
        time.sleep(self.pause_seconds)
        return page

    def _look(self, web: httpx.Client, page: httpx.Response, **typed: str) -> httpx.Response:
        """Asks for the next step of the walk; what was scanned so far stands in the address."""
        return web.get(page.url.path, params=typed)

    def _send(self, web: httpx.Client, page: httpx.Response, **typed: str) -> httpx.Response:
        """Fills in the form that asks for these fields and sends it, as the browser does."""
        for action, form in _FORM.findall(page.text):
            attributes = [dict(_ATTRIBUTE.findall(one)) for one in _FIELD.findall(form)]
            known = {one["name"]: unescape(one.get("value", "")) for one in attributes if "name" in one}
            if typed.keys() <= known.keys():
                return web.post(unescape(action), data=known | typed)
        raise AssertionError(f"No form asks for {', '.join(typed)}: {page.text}")


def _shown(page: httpx.Response) -> str:
    """Returns the code in huge letters: the place to go to, or the tote to put it in."""
    found = re.search(r'class="huge code">([^<]+)<', page.text)
    assert found is not None, page.text
    return unescape(found.group(1)).strip()


def measure(made: World, scans: int = 60, pause_seconds: float = 1.0, rounds: int = 1) -> list[Figure]:
    """Times ``scans`` of each of the twenty pickers a round, ``pause_seconds`` apart."""
    everyone = len(made.badges)
    fill(made, rounds * everyone * (scans // 9 + 2 * _SLOTS), "scan")
    release_all()
    made.tidy()
    ours: dict[float, list[float]] = {0.50: [], 0.95: [], 0.99: []}
    floor: dict[float, list[float]] = {share: [] for share in ours}
    totes = [f"T-{number:04d}" for number in range(2_000)]
    with server(made) as served:
        for _ in range(rounds):
            bare = _together([_BareWriter(made, pause_seconds, scans // 3) for _ in made.badges])
            scanned = _together(_pickers(made, served, totes, pause_seconds, scans))
            for share, values in ours.items():
                values.append(1000 * percentile(scanned, share))
                floor[share].append(1000 * percentile(bare, share))
    return [
        Figure(
            f"scan p{share * 100:.0f}",
            "ms",
            ours[share],
            floor[share],
            "one committed row, bare psycopg, as many connections, the same pauses",
            {"pickers": everyone, "scans_each": scans, "pause_seconds": pause_seconds},
        )
        for share in ours
    ]


def _pickers(made: World, served: Server, totes: list[str], pause_seconds: float, scans: int) -> list[Picker]:
    each = len(totes) // len(made.badges)
    hands = [totes[number * each : (number + 1) * each] for number, _ in enumerate(made.badges)]
    return [
        Picker(served.port, badge, own, pause_seconds, scans) for badge, own in zip(made.badges, hands, strict=True)
    ]


@dataclass
class _BareWriter:
    """Records a scan and nothing else: the row that makes it count once."""

    made: World
    pause_seconds: float
    scans_wanted: int
    seconds: list[float] = field(default_factory=list)

    def work(self, begin: threading.Barrier) -> None:
        insert = (
            "INSERT INTO floor_action (id, staff_id, kind, outcome, at)"
            " SELECT %s, id, 'bench', '{}', now() FROM staff ORDER BY badge LIMIT 1"
        )
        with self.made.owner(autocommit=True) as connection:
            begin.wait()
            for _ in range(self.scans_wanted):
                started = time.perf_counter()
                connection.execute(insert, (uuid4(),), prepare=True)
                self.seconds.append(time.perf_counter() - started)
                time.sleep(self.pause_seconds)


def _together(people: Any) -> list[float]:
    begin = threading.Barrier(len(people))
    with ThreadPoolExecutor(len(people)) as pool:
        for done in [pool.submit(person.work, begin) for person in people]:
            done.result()
    return [one for person in people for one in person.seconds]
