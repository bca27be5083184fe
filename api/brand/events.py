# SPDX-License-Identifier: Apache-2.0
"""``GET /v1/events``: everything that happens to the brand's orders, in one sequence to read on from."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import get
from litestar.params import QueryParameter
from pydantic import BaseModel, Field

from api.brand.access import ApiRequest, needs
from api.brand.pages import actor_kind
from api.problems import documented
from wms.brands.service import Grant
from wms.notices.service import FEED_LIMIT_MAX, feed
from wms.platform.db import brand_scope, in_transaction


class FeedEvent(BaseModel):
    """One event of one order. ``position`` counts from 1 without a gap; ``id`` never changes."""

    position: int
    id: UUID
    order_ref: str
    seq: int = Field(description="Its place in the story of its own order.")
    kind: str
    data: dict[str, Any]
    actor: str = Field(description="`brand`, `warehouse`, `carrier` or `system`.")
    at: datetime


class FeedPage(BaseModel):
    """Events after a position. Ask again with ``after = next_after``, at once or later."""

    events: list[FeedEvent]
    next_after: int


@get(
    "/events",
    operation_id="ListEvents",
    summary="Read the feed of events",
    guards=[needs(Grant.EVENTS_READ)],
    tags=["Events"],
    responses=documented(400, 401, 403),
    sync_to_thread=True,
)
def get_events(
    request: ApiRequest,
    after: Annotated[int, QueryParameter(ge=0, le=2**62, description="The last position you have.")] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=FEED_LIMIT_MAX, description="Events in one answer.")] = 100,
) -> FeedPage:
    """Read the events that came after a position.

    Positions are given once an event can be seen by everybody, so nothing ever appears before a position that you
    have read: keep `next_after` and you miss nothing.
    """
    brand_id = request.auth.brand_id
    items = in_transaction(brand_scope(brand_id), lambda session: feed(session, brand_id, after, limit))
    events = [
        FeedEvent(
            position=item.position,
            id=item.id,
            order_ref=item.order_ref,
            seq=item.seq,
            kind=item.kind,
            data=item.data,
            actor=actor_kind(item.actor),
            at=item.at,
        )
        for item in items
    ]
    return FeedPage(events=events, next_after=events[-1].position if events else after)


HANDLERS = (get_events,)
