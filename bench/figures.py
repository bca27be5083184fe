# SPDX-License-Identifier: Apache-2.0
"""What a bench found: figures with the rounds behind them, the machine they were measured on, and how to print both."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import psycopg


@dataclass(frozen=True)
class Figure:
    """Ours beside the floor, one value a round each, both in ``unit``. More is better, except for milliseconds."""

    name: str
    unit: str
    ours: Sequence[float]
    floor: Sequence[float]
    floor_is: str
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """The median of each round's ours over its floor, so that a slow minute of the machine counts in both."""
        return median(one / other for one, other in zip(self.ours, self.floor, strict=True))

    def as_dict(self) -> dict[str, Any]:
        """The figure as it is printed by ``--json``."""
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": round(median(self.ours), 2),
            "floor": round(median(self.floor), 2),
            "ratio": round(self.ratio, 3),
            "floor_is": self.floor_is,
            "rounds": {"ours": [round(one, 2) for one in self.ours], "floor": [round(one, 2) for one in self.floor]},
            "notes": self.notes,
        }


@dataclass(frozen=True)
class Machine:
    """Where it was measured; absolute figures mean nothing without it."""

    cpu: str
    cores: int
    memory_gb: int
    system: str
    python: str
    postgres: str = ""
    durability: str = ""

    def line(self) -> str:
        parts = [self.cpu, f"{self.cores} cores", f"{self.memory_gb} GB", self.system, f"Python {self.python}"]
        if self.postgres:
            parts += [f"PostgreSQL {self.postgres}", self.durability]
        return ", ".join(parts)


def machine(database_url: str | None = None) -> Machine:
    """Describes this machine and, where there is one, the server and whether its commits reach the disk."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    postgres = durability = ""
    if database_url:
        with psycopg.connect(database_url) as connection:
            names = ("server_version", "fsync", "synchronous_commit")
            version, *switches = (connection.execute(f"SHOW {name}").fetchone() for name in names)
            postgres = str((version or ("",))[0]).split(" ")[0]
            states = [f"{name} {(one or ('',))[0]}" for name, one in zip(names[1:], switches, strict=True)]
            durability = ", ".join(states)
    return Machine(
        _cpu(),
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        round(memory / 2**30),
        platform.system(),
        platform.python_version(),
        postgres,
        durability,
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def percentile(values: Sequence[float], share: float) -> float:
    """Returns the value below which ``share`` of the values lie (nearest rank)."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, round(share * len(ranked)) - 1))]


def report(figures: Sequence[Figure], where: Machine, *, as_json: bool) -> str:
    """Returns what a bench prints: JSON, or lines for people."""
    if as_json:
        return json.dumps({"machine": asdict(where), "figures": [one.as_dict() for one in figures]}, indent=2)
    lines = []
    for one in figures:
        shown = one.as_dict()
        lines.append(
            f"{one.name}: {shown['ours']:,.1f} {one.unit}; floor {shown['floor']:,.1f} ({one.floor_is});"
            f" ratio {shown['ratio']:.2f}"
        )
        lines += [f"    {key}: {value}" for key, value in one.notes.items()]
    return "\n".join([*lines, f"on {where.line()}"])
