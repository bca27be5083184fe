# SPDX-License-Identifier: Apache-2.0
"""``/v1``: the JSON API for brand systems. Each operation names its scope; each POST honours ``Idempotency-Key``."""

from litestar import Router

from api.brand import catalog, changes, events, holds, merges, money, order_reads, orders, policy, stock
from wms.platform.settings import settings


def routers() -> list[Router]:
    """Returns the API's routers: lists may be large, everything else is held to the application's limit."""
    security: list[dict[str, list[str]]] = [{"api_key": []}]
    handlers = [
        *order_reads.HANDLERS,
        *changes.HANDLERS,
        *merges.HANDLERS,
        *money.HANDLERS,
        *holds.HANDLERS,
        *catalog.HANDLERS,
        *stock.HANDLERS,
        *events.HANDLERS,
        *policy.HANDLERS,
    ]
    return [
        Router("/v1", route_handlers=[orders.router, *handlers], security=security),
        Router(
            "/v1",
            route_handlers=catalog.BULK_HANDLERS,
            security=security,
            request_max_body_size=settings().bulk_body_max_bytes,
        ),
    ]
