# SPDX-License-Identifier: Apache-2.0
"""What carriers push: stored raw and once at the door, understood by a job, folded into the parcel's state.

The state of a parcel is the fold over all events that were ever accepted for it, so any order and any duplication of
callbacks gives the same state.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import or_, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from carriers.errors import CarrierError
from carriers.port import AmendmentAnswer, Carrier
from carriers.port import TrackingEvent as CarrierEvent
from wms.delivery.folding import fold_package
from wms.delivery.models import InboxEvent, InboxState, TrackingEvent
from wms.dispatch.models import CarrierAccount, Label, LabelPurchase, LabelState
from wms.dispatch.service import connect, get_account, hear_answer
from wms.platform.clock import real_now
from wms.platform.ids import new_id
from wms.platform.jobs import enqueue

UNMATCHED_KEPT: Final = timedelta(days=30)
# What a proxy or a client adds to prove itself to us is nobody's business afterwards.
_SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})


@dataclass(frozen=True)
class Envelope:
    """What the door reads of a callback: its id within the account, and the parcels that it is about, if any."""

    event_id: str
    tracking_numbers: list[str]


def read_envelope(carrier: Carrier, headers: Mapping[str, str], body: bytes) -> Envelope:
    """Returns the id of a pushed body; one that is unreadable, or carries several events, is known by its hash."""
    digest = "sha256:" + hashlib.sha256(body).hexdigest()
    try:
        pushed = carrier.parse_webhook(headers, body)
    except CarrierError:
        return Envelope(digest, [])
    numbers = sorted({one.tracking_number for one in pushed if isinstance(one, CarrierEvent)})
    return Envelope(pushed[0].event_id if len(pushed) == 1 else digest, numbers)


def store_callback(
    session: Session, account: CarrierAccount, envelope: Envelope, headers: Mapping[str, str], body: bytes
) -> bool:
    """Keeps a verified callback as it came and the job that reads it, in one transaction. Returns whether it is new."""
    kept = {name.lower(): value for name, value in headers.items() if name.lower() not in _SECRET_HEADERS}
    inbox_id = session.execute(
        insert(InboxEvent)
        .values(
            id=new_id(),
            account_id=account.id,
            event_id=envelope.event_id[:120],
            headers=kept,
            body=body,
            tracking_numbers=envelope.tracking_numbers,
            state=InboxState.PENDING,
            received_at=real_now(),
        )
        .on_conflict_do_nothing(index_elements=["account_id", "event_id"])
        .returning(col(InboxEvent.id))
    ).scalar_one_or_none()
    if inbox_id is None:
        return False
    enqueue(session, "delivery.fold", {"inbox_id": str(inbox_id)}, brand_id=None)
    return True


def fold(session: Session, inbox_id: UUID) -> InboxState:
    """Reads one stored callback, folds its events into their parcels and hears its answers; again without harm.

    Only the label says whose parcel it is, so labels of brands that the scope hides count as not there yet.
    Returns what became of the callback.
    """
    inbox = session.get(InboxEvent, inbox_id, with_for_update=True, populate_existing=True)
    if inbox is None or inbox.state in (InboxState.FOLDED, InboxState.UNREADABLE):
        return InboxState.FOLDED if inbox is None else inbox.state
    account = get_account(session, inbox.account_id)
    try:
        pushed = connect(account).parse_webhook(inbox.headers, inbox.body)
    except CarrierError:
        inbox.state = InboxState.UNREADABLE
        return inbox.state
    heard = [hear_answer(session, account, one) for one in pushed if isinstance(one, AmendmentAnswer)]
    events = [one for one in pushed if isinstance(one, CarrierEvent)]
    labels = {event: _labels_of(session, account, event.tracking_number) for event in events}
    for event, found in labels.items():
        for label in found:
            _keep(session, account, label, event)
    live = [label for found in labels.values() for label in found if label.state == LabelState.BOUGHT]
    for brand_id, package_id in sorted({(label.brand_id, label.package_id) for label in live}):
        fold_package(session, account, brand_id, package_id)
    # What was matched stays matched: a second look inserts nothing twice.
    inbox.state = InboxState.FOLDED if all(labels.values()) and all(heard) else InboxState.UNMATCHED
    return inbox.state


def _labels_of(session: Session, account: CarrierAccount, number: str) -> Sequence[Label]:
    """Returns the account's labels under a tracking number, or all of a shipment under its master number."""
    return session.exec(
        select(Label)
        .join(
            LabelPurchase,
            (col(LabelPurchase.brand_id) == Label.brand_id) & (col(LabelPurchase.id) == Label.purchase_id),
        )
        .where(
            LabelPurchase.account_id == account.id,
            or_(col(Label.tracking_number) == number, col(LabelPurchase.master_tracking) == number),
        )
        .order_by(col(Label.brand_id), col(Label.id))
    ).all()


def _keep(session: Session, account: CarrierAccount, label: Label, event: CarrierEvent) -> None:
    session.execute(
        insert(TrackingEvent)
        .values(
            brand_id=label.brand_id,
            id=new_id(),
            package_id=label.package_id,
            label_id=label.id,
            account_id=account.id,
            event_id=event.event_id[:120],
            status=event.status.value,
            raw_code=event.raw_code[:80],
            raw_text=event.raw_text[:300],
            location=event.location[:120],
            occurred_at=event.occurred_at,
        )
        .on_conflict_do_nothing(index_elements=["brand_id", "account_id", "event_id", "label_id"])
    )


def rematch(session: Session, account_id: UUID, numbers: Sequence[str]) -> int:
    """Folds the callbacks that came before the labels they are about. Returns how many found their parcel.

    One that is being looked at in this moment, without having seen the labels yet, is waited for.
    """
    waiting = session.exec(
        select(InboxEvent)
        .where(
            InboxEvent.account_id == account_id,
            col(InboxEvent.tracking_numbers).overlap(list(numbers)),  # type: ignore[attr-defined]
            col(InboxEvent.state).in_((InboxState.PENDING, InboxState.UNMATCHED)),
        )
        .order_by(col(InboxEvent.id))
        .with_for_update()
    ).all()
    return sum(fold(session, inbox.id) == InboxState.FOLDED for inbox in waiting)


def forget_unmatched(session: Session) -> int:
    """Deletes callbacks that found no parcel of ours in 30 days; returns how many."""
    return len(
        session.execute(
            text(
                "DELETE FROM inbox_event WHERE id IN (SELECT id FROM inbox_event WHERE state = 'unmatched'"
                " AND received_at < :before LIMIT 1000) RETURNING 1"
            ),
            {"before": real_now() - UNMATCHED_KEPT},
        ).all()
    )
