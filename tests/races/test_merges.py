# SPDX-License-Identifier: Apache-2.0
"""Merges against cancellations, and two merges that want the same order."""

from datetime import timedelta

import pytest
from sqlmodel import Session

from tests.races.conftest import ROUNDS, Track, Yard, batches
from wms.brands.models import Brand
from wms.changes.merges import merge_orders
from wms.changes.models import Change
from wms.platform.db import brand_scope, in_transaction

pytestmark = pytest.mark.timeout(3600)
# Its goods must be worked on two hours before; that is 20 minutes from now, and 5 after its own window.
EARLY = timedelta(hours=2, minutes=20)


def live_shipments(yard: Yard, *refs: str) -> list[tuple[str, ...]]:
    """Returns who travels with whom."""
    rows = yard.database.rows(
        "SELECT array_agg(DISTINCT o.ref ORDER BY o.ref) FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id"
        " JOIN orders o ON o.id = l.order_id WHERE s.state <> 'cancelled' AND l.quantity > 0 AND o.ref = ANY(%s)"
        " GROUP BY s.id ORDER BY 1",
        list(refs),
    )
    return [tuple(found) for (found,) in rows]


@pytest.mark.parametrize("cancelled", ["guest", "host"])
def test_merge_against_cancel(yard: Yard, cancelled: str) -> None:
    track = Track(("merge", "cancel"))
    for size in batches(ROUNDS):
        hosts, guests = yard.orders(size), yard.orders(size)
        for (host, _), (guest, _) in zip(hosts, guests, strict=True):
            gone, stays = (guest, host) if cancelled == "guest" else (host, guest)
            merge, cancel = track.run(
                lambda host=host, guest=guest: yard.change(guest, "merge", into=host),
                lambda gone=gone: yard.change(gone, "cancel"),
            )
            # Cancelling is always possible here; a merge with what is cancelled never is.
            assert yard.stored(cancel)[0] == "applied"
            reason = "already_cancelled" if cancelled == "guest" else "nothing_left"
            assert yard.stored(merge) in (("applied", ""), ("refused", reason)), yard.stored(merge)
            assert live_shipments(yard, host, guest) == [(stays,)]
            assert ("combined" in yard.story(stays)) is (merge.answer == "applied")
            track.won("merge" if merge.answer == "applied" else "cancel")
    track.finish(ROUNDS)


def test_two_merges_of_overlapping_groups(yard: Yard) -> None:
    """One order can go with either of two that cannot go together: one leaves too early for the other's shopper."""
    track = Track(("early", "late"))

    def merge(ref: str, *refs: str) -> list[Change]:
        def work(session: Session) -> list[Change]:
            return merge_orders(session, session.get_one(Brand, yard.brand_id), refs, ref, "brand:test")

        return in_transaction(brand_scope(yard.brand_id), work)

    for size in batches(ROUNDS):
        early = yard.orders(size, ship_by=(yard.clock.at.replace(microsecond=0) + EARLY).isoformat())
        middle = yard.orders(size)
        yard.clock.advance(minutes=10)
        late = yard.orders(size)
        for (one, _), (both, _), (other, _) in zip(early, middle, late, strict=True):
            (first,), (second,) = track.run(
                lambda one=one, both=both: merge(f"M-{one}", one, both),
                lambda both=both, other=other: merge(f"M-{other}", both, other),
            )
            answers = {yard.stored(first), yard.stored(second)}
            assert answers == {("applied", ""), ("refused", "cannot_combine")}
            is_early = first.answer == "applied"
            pairs = [(one, both), (other,)] if is_early else [(one,), (both, other)]
            assert live_shipments(yard, one, both, other) == sorted(tuple(sorted(pair)) for pair in pairs)
            track.won("early" if is_early else "late")
    track.finish(ROUNDS)
