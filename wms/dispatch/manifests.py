# SPDX-License-Identifier: Apache-2.0
"""What goes with the driver: one open manifest per account, closed with the carrier under a stable key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import Session, col, select

from carriers.errors import CarrierError
from carriers.port import Capability, ManifestOutcome, ManifestResult
from labels.documents import Manifest as ManifestSheet
from labels.documents import ManifestPackage, manifest_pdf
from wms.brands.models import Warehouse
from wms.dispatch.accounts import connect, get_account
from wms.dispatch.models import CarrierAccount, Label, Manifest, ManifestState
from wms.platform.clock import now
from wms.platform.errors import Conflict, NotFound
from wms.platform.jobs import Lease, Retry, enqueue
from wms.shipments.models import Package

_REASON_CHARACTERS: Final = 300


class ManifestNotOpen(Conflict):
    """The manifest is closed, or the carrier is being told about it."""

    code = "manifest_not_open"


def open_manifest(session: Session, account: CarrierAccount) -> Manifest:
    """Returns the account's open manifest of today, so locked that it cannot be closed before the transaction ends.

    Today is the warehouse's own. One that is still open from another day is closed first: its driver has left.
    """
    today = _today(session, account)
    manifest = _find_open(session, account, today)
    if manifest is not None:
        return manifest
    # One scan at a time makes the day's first manifest; whoever waited here finds it.
    session.exec(select(CarrierAccount.id).where(CarrierAccount.id == account.id).with_for_update()).one()
    manifest = _find_open(session, account, today)
    return manifest or _begin_manifest(session, account, today)


def _find_open(session: Session, account: CarrierAccount, today: date) -> Manifest | None:
    return session.exec(
        select(Manifest)
        .where(Manifest.account_id == account.id, Manifest.state == ManifestState.OPEN, Manifest.day == today)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _begin_manifest(session: Session, account: CarrierAccount, today: date) -> Manifest:
    left_open = session.exec(
        select(Manifest).where(Manifest.account_id == account.id, Manifest.state == ManifestState.OPEN)
    ).one_or_none()
    if left_open is not None:
        close_manifest(session, left_open, "system")
        # The index that allows one open manifest must see the old one closed before the new one comes.
        session.flush()
    number = (
        1 + session.exec(select(func.count()).where(Manifest.account_id == account.id, Manifest.day == today)).one()
    )
    manifest = Manifest(account_id=account.id, day=today, number=number, created_at=now(session))
    session.add(manifest)
    # Labels refer to it, and rows without a relationship are not ordered by the session.
    session.flush()
    return manifest


def _today(session: Session, account: CarrierAccount) -> date:
    warehouse = _warehouse(session, account)
    return now(session).astimezone(ZoneInfo(warehouse.time_zone)).date()


def _warehouse(session: Session, account: CarrierAccount) -> Warehouse:
    warehouse = session.get(Warehouse, account.warehouse_id)
    assert warehouse is not None, "A foreign key keeps every account's warehouse."
    return warehouse


def get_manifest(session: Session, manifest_id: UUID) -> Manifest:
    """Returns a manifest; raises ``NotFound``."""
    manifest = session.get(Manifest, manifest_id)
    if manifest is None:
        raise NotFound("There is no such manifest.")
    return manifest


def code_of(account: CarrierAccount, manifest: Manifest) -> str:
    """Returns the code that is printed on the sheet, for example ``SANDBOX-20260302-1``."""
    return f"{account.code.upper()}-{manifest.day:%Y%m%d}-{manifest.number}"


def packages_on(session: Session, manifest: Manifest) -> Sequence[tuple[Label, Package]]:
    """Returns the labels on the manifest with their packages, in the order of their tracking numbers."""
    return session.exec(
        select(Label, Package)
        .join(Package, (col(Package.brand_id) == Label.brand_id) & (col(Package.id) == Label.package_id))
        .where(Label.manifest_id == manifest.id)
        .order_by(col(Label.tracking_number))
    ).all()


def close_manifest(session: Session, manifest: Manifest, actor: str) -> None:
    """Lets nothing more onto the manifest and has the carrier told. One that the carrier refused is sent again.

    Raises :class:`ManifestNotOpen`.
    """
    session.refresh(manifest, with_for_update=True)
    is_refused = manifest.state == ManifestState.CLOSING and manifest.reason is not None
    if manifest.state != ManifestState.OPEN and not is_refused:
        raise ManifestNotOpen(f"This manifest is {manifest.state}.")
    manifest.state, manifest.reason, manifest.closed_by = ManifestState.CLOSING, None, actor
    enqueue(
        session,
        "dispatch.close_manifest",
        {"manifest_id": str(manifest.id)},
        brand_id=None,
        dedupe_key=str(manifest.id),
    )


def manifest_sheet(session: Session, manifest: Manifest) -> bytes:
    """Returns the sheet that the driver signs, as PDF. Raises :class:`ManifestNotOpen` for an empty one."""
    account = get_account(session, manifest.account_id)
    packages = packages_on(session, manifest)
    if not packages:
        raise ManifestNotOpen("There is no package on this manifest.")
    return manifest_pdf(
        ManifestSheet(
            code=code_of(account, manifest),
            carrier=account.code,
            warehouse=_warehouse(session, account).name,
            day=manifest.day,
            packages=tuple(
                ManifestPackage(label.tracking_number or "", package.sscc, package.weight_g)
                for label, package in packages
            ),
        )
    )


@dataclass(frozen=True)
class ManifestOrder:
    """What the carrier is told."""

    account: CarrierAccount
    key: str
    tracking_numbers: tuple[str, ...]


def begin(session: Session, lease: Lease, manifest_id: UUID) -> ManifestOrder | None:
    """Returns what to tell the carrier, or finishes the job where there is nothing to tell."""
    manifest = get_manifest(session, manifest_id)
    session.refresh(manifest, with_for_update=True)
    if manifest.state != ManifestState.CLOSING:
        lease.finish(session)
        return None
    numbers = tuple(label.tracking_number for label, _ in packages_on(session, manifest) if label.tracking_number)
    if not numbers:
        _close(session, manifest, None)
        lease.finish(session)
        return None
    return ManifestOrder(get_account(session, manifest.account_id), manifest.id.hex, numbers)


def ask(order: ManifestOrder) -> ManifestResult | CarrierError:
    """Tells the carrier. One that knows no manifests takes the parcels as they are."""
    try:
        carrier = connect(order.account)
        if Capability.MANIFEST not in carrier.capabilities:
            return ManifestResult(ManifestOutcome.ACCEPTED, None, order.tracking_numbers, b"")
        return carrier.manifest(order.key, order.tracking_numbers)
    except CarrierError as error:
        return error


def record(
    session: Session,
    lease: Lease,
    manifest_id: UUID,
    answer: ManifestResult | CarrierError,
    *,
    is_last_try: bool,
) -> Retry | None:
    """Records the answer. A refusal leaves the manifest closing, with its reason, for a person to close again."""
    manifest = get_manifest(session, manifest_id)
    session.refresh(manifest, with_for_update=True)
    lease.hold(session)
    if isinstance(answer, ManifestResult) and answer.outcome is ManifestOutcome.ACCEPTED:
        _close(session, manifest, answer.manifest_id)
    elif _may_still_succeed(answer) and not is_last_try:
        return Retry(_reason(answer))
    else:
        manifest.reason = _reason(answer)[:_REASON_CHARACTERS]
    lease.finish(session)
    return None


def _close(session: Session, manifest: Manifest, carrier_reference: str | None) -> None:
    manifest.state = ManifestState.CLOSED
    manifest.carrier_reference, manifest.reason = carrier_reference, None
    manifest.closed_at = now(session)


def _may_still_succeed(answer: ManifestResult | CarrierError) -> bool:
    if isinstance(answer, CarrierError):
        return answer.is_transient
    return answer.outcome is ManifestOutcome.UNKNOWN


def _reason(answer: ManifestResult | CarrierError) -> str:
    if isinstance(answer, CarrierError):
        return answer.message
    return answer.reason.message if answer.reason else f"The carrier answered '{answer.outcome}'."
