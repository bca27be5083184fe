# SPDX-License-Identifier: Apache-2.0
"""Labels on the bench: finding one, printing it, and proving that the right one was stuck on."""

from uuid import UUID

from sqlmodel import Session, col, select

from wms.dispatch.models import Label, LabelPrint, LabelState
from wms.dispatch.states import LIVE, LabelStateConflict
from wms.platform.clock import now
from wms.platform.errors import Conflict, Invalid, NotFound
from wms.shipments.models import Package


class ReasonNeeded(Invalid):
    """Every print after the first says why: two labels of one parcel are how parcels get lost."""

    code = "reason_needed"


class WrongLabel(Conflict):
    """The label that was scanned does not belong on this package."""

    code = "wrong_label"


def live_label(session: Session, brand_id: UUID, package_id: UUID) -> Label | None:
    """Returns the package's one label that is being bought, in doubt or bought."""
    return session.exec(
        select(Label).where(Label.brand_id == brand_id, Label.package_id == package_id, col(Label.state).in_(LIVE))
    ).one_or_none()


def label_by_barcode(session: Session, barcode: str) -> Label:
    """Returns the label whose main code reads ``barcode``: the bought one, else the newest. Raises ``NotFound``."""
    label = session.exec(
        select(Label)
        .where(Label.barcode == barcode.strip())
        .order_by((col(Label.state) == LabelState.BOUGHT).desc(), col(Label.id).desc())
        .limit(1)
    ).one_or_none()
    if label is None:
        raise NotFound("This is not the label of one of our parcels.")
    return label


def print_label(session: Session, label: Label, reason: str, actor: str) -> bytes:
    """Returns the carrier's own PDF and writes down that it was printed, by whom and, again, why.

    Raises :class:`LabelStateConflict` for a label that is not bought, and :class:`ReasonNeeded`.
    """
    if label.state != LabelState.BOUGHT:
        raise LabelStateConflict(f"This label is {label.state.replace('_', ' ')}; it cannot be printed.")
    if label.pdf is None:
        raise LabelStateConflict("The carrier gave this label for a label printer only (ZPL).")
    printed = session.exec(
        select(LabelPrint.id).where(LabelPrint.brand_id == label.brand_id, LabelPrint.label_id == label.id).limit(1)
    ).first()
    if printed is not None and not reason.strip():
        raise ReasonNeeded("This label was printed before. Say why it is printed again.")
    session.add(
        LabelPrint(
            brand_id=label.brand_id,
            label_id=label.id,
            reason=reason.strip()[:120],
            actor=actor,
            at=now(session),
        )
    )
    return label.pdf


def verify_label(session: Session, package: Package, barcode: str, actor: str) -> None:
    """Takes note that the label on the package was scanned and is its own; again without harm.

    Raises :class:`LabelStateConflict` where the package has no label, and :class:`WrongLabel`.
    """
    label = live_label(session, package.brand_id, package.id)
    if label is None or label.state != LabelState.BOUGHT:
        raise LabelStateConflict("This package has no label yet.")
    if label.barcode != barcode.strip():
        raise WrongLabel("This is not the label of this package. Take it off and scan the right one.")
    if package.label_verified_at is None:
        package.label_verified_at, label.verified_by = now(session), actor
