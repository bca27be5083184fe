# SPDX-License-Identifier: Apache-2.0
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
TINY = {
    "intake": ["--singles", "40", "--clients", "4", "--bulk", "20"],
    "release": ["--shipments", "30"],
    "labels": ["--count", "3"],
    "scan": ["--scans", "3", "--pause", "0"],
    "audit": ["--orders", "20"],
}
FIGURES = {
    "intake": ["single orders", "bulk orders"],
    "release": ["release"],
    "labels": ["labels"],
    "scan": ["scan p50", "scan p95", "scan p99"],
    "audit": ["audit"],
}


@pytest.mark.parametrize("name", TINY)
def test_a_bench_prints_its_figures_beside_their_floors_as_json(name: str, engines: None) -> None:
    printed = run(name, *TINY[name], "--rounds", "1", "--json")
    assert [figure["name"] for figure in printed["figures"]] == FIGURES[name]
    for figure in printed["figures"]:
        assert figure["ours"] > 0
        assert figure["floor"] > 0
        assert figure["ratio"] > 0
        assert len(figure["rounds"]["ours"]) == len(figure["rounds"]["floor"]) == 1
    assert printed["machine"]["cores"] >= 1


def run(*arguments: str) -> Any:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WMS_")}
    environment["WMS_BENCH_DATABASE_URL"] = os.environ["WMS_TEST_DATABASE_URL"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
