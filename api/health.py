# SPDX-License-Identifier: Apache-2.0
"""What a load balancer and a Prometheus ask. None of it is for the internet: it names no tenant and needs no key."""

from litestar import Response, Router, get
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from wms.platform.bell import redis_answers
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.errors import Unavailable
from wms.platform.settings import settings


@get("/health/live", operation_id="live", sync_to_thread=False)
def live() -> dict[str, str]:
    """Says that the process answers."""
    return {"status": "ok"}


@get("/health/ready", operation_id="ready", sync_to_thread=True)
def ready() -> Response[dict[str, str]]:
    """Says whether this process can work: the database must answer, Redis only makes jobs start sooner."""
    database = "ok" if _database_answers() else "down"
    redis = ("ok" if redis_answers() else "down") if settings().redis_url else "not configured"
    status = 200 if database == "ok" else 503
    return Response({"database": database, "redis": redis}, status_code=status)


@get("/metrics", operation_id="metrics", sync_to_thread=True)
def metrics() -> Response[bytes]:
    """Returns this process's metrics in Prometheus's text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _database_answers() -> bool:
    try:
        with transaction(WAREHOUSE) as session:
            session.execute(text("SELECT 1"))
    except (Unavailable, SQLAlchemyError):
        return False
    return True


router = Router("/", route_handlers=[live, ready, metrics], include_in_schema=False)
