# SPDX-License-Identifier: Apache-2.0
"""The shopper's page behind a signed link: what is in the order, where it is, until when it can still be changed."""

from typing import Any
from zoneinfo import ZoneInfo

from litestar import Request, Response, Router, get
from litestar.params import FromPath
from sqlmodel import Session

from api.html import page
from api.portal.links import read_token
from api.portal.words import story, time_left
from wms.brands.models import Brand, Warehouse
from wms.floor.desk import order_lines
from wms.orders.models import Order
from wms.orders.service import events_of_order
from wms.platform.clock import now
from wms.platform.db import brand_scope, transaction
from wms.platform.errors import WmsError
from wms.shipments.packages import packages_of
from wms.shipments.service import changeable_until, shipments_of_order


@get("/{token:str}", sync_to_thread=True)
def order_page(token: FromPath[str]) -> Response[Any]:
    """Shows one order. A forged link and one to nothing look alike."""
    ids = read_token(token)
    if ids is None:
        return _nothing_here()
    brand_id, order_id = ids
    with transaction(brand_scope(brand_id)) as session:
        order = session.get(Order, (brand_id, order_id))
        return _page_of(session, order) if order is not None else _nothing_here()


def _page_of(session: Session, order: Order) -> Response[Any]:
    at = now(session)
    zone = ZoneInfo(session.get_one(Warehouse, order.warehouse_id).time_zone)
    shipments = shipments_of_order(session, order.brand_id, order.id)
    until = changeable_until(order, shipments)
    left = int((until - at).total_seconds()) if until is not None else 0
    return page(
        "order.html",
        brand=session.get_one(Brand, order.brand_id),
        order=order,
        lines=[line for line in order_lines(session, order.brand_id, order.id) if line.quantity > line.cancelled],
        packages=[box for one in shipments for box in packages_of(session, one) if box.tracking_number],
        story=story(events_of_order(session, order.brand_id, order.id)),
        until=until if left > 0 else None,
        left=time_left(left),
        # Soon enough that the words stay true, seldom enough that a forgotten tab costs nothing.
        refresh=max(5, min(left + 1, 60)) if left > 0 else 300,
        clock=lambda moment: moment.astimezone(zone).strftime("%A %d %B, %H:%M"),
        hour=lambda moment: moment.astimezone(zone).strftime("%H:%M"),
    )


def _nothing_here() -> Response[Any]:
    return page("nothing.html", status=404)


def _refused(_request: Request[Any, Any, Any], error: WmsError) -> Response[Any]:
    return page("nothing.html", status=error.status)


router = Router(
    path="/t", route_handlers=[order_page], exception_handlers={WmsError: _refused}, include_in_schema=False
)
