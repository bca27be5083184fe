# SPDX-License-Identifier: Apache-2.0
from typing import Any

import httpx
import pytest


def test_a_process_that_runs_is_live(visitor: httpx.Client) -> None:
    answer = visitor.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_process_with_its_engines_is_ready(visitor: httpx.Client) -> None:
    answer = visitor.get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"database": "ok", "redis": "ok"})


def test_a_process_without_redis_is_still_ready(visitor: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.health.redis_answers", lambda: False)
    answer = visitor.get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"database": "ok", "redis": "down"})


def test_a_process_without_a_database_is_not_ready(
    visitor: httpx.Client, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wms.platform.db import dispose_engine
    from wms.platform.settings import settings

    dispose_engine()
    with monkeypatch.context() as patch:
        patch.setenv("WMS_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
        settings.cache_clear()
        answer = visitor.get("/health/ready")
    settings.cache_clear()
    dispose_engine()
    assert (answer.status_code, answer.json()["database"]) == (503, "down")


def test_metrics_count_requests_by_door(fennel: httpx.Client, visitor: httpx.Client) -> None:
    def policy_reads() -> float:
        lines = visitor.get("/metrics").text.splitlines()
        prefix = 'wms_http_requests_total{door="brand",method="GET",status="200"} '
        return sum(float(line.removeprefix(prefix)) for line in lines if line.startswith(prefix))

    before = policy_reads()
    assert fennel.get("/v1/policy").status_code == 200
    assert policy_reads() == before + 1
