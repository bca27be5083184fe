# SPDX-License-Identifier: Apache-2.0
"""The dock: parcels are scanned out to a carrier's driver, and the manifest says what went along."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, and_, col, not_, select

from wms.brands.models import Staff
from wms.dispatch import service as dispatch
from wms.dispatch.models import CarrierAccount, Manifest, ManifestState
from wms.floor.actions import Outcome, actor, once
from wms.floor.scans import clean
from wms.platform.errors import NotFound

CLOSED_SHOWN = 5


@dataclass(frozen=True)
class Parcel:
    """One parcel on a manifest."""

    tracking_number: str
    brand: str
    colour: str
    weight_g: int
    handed_over_at: datetime


@dataclass(frozen=True)
class Gate:
    """What stands at one carrier's gate: the open manifest, if a parcel was scanned, and those closed before.

    ``refused`` are closed here, but the carrier did not take them; each says why and may be closed again.
    """

    account: CarrierAccount
    manifest: Manifest | None
    parcels: list[Parcel]
    waiting: int
    refused: list[Manifest]
    closed: list[Manifest]


def accounts_of(session: Session, warehouse_id: UUID) -> list[CarrierAccount]:
    """Returns the carriers that collect from this building."""
    return list(
        session.exec(
            select(CarrierAccount).where(CarrierAccount.warehouse_id == warehouse_id).order_by(col(CarrierAccount.code))
        ).all()
    )


def find_account(session: Session, staff: Staff, account_id: UUID) -> CarrierAccount:
    """Returns an account of the person's building; raises :class:`NotFound`."""
    account = session.get(CarrierAccount, account_id)
    if account is None or account.warehouse_id != staff.warehouse_id:
        raise NotFound("No such carrier collects from this building.")
    return account


def find_manifest(session: Session, staff: Staff, manifest_id: UUID) -> Manifest:
    """Returns a manifest of the person's building; raises :class:`NotFound`."""
    manifest = session.get(Manifest, manifest_id)
    if manifest is None:
        raise NotFound("There is no such manifest.")
    find_account(session, staff, manifest.account_id)
    return manifest


def gate_of(session: Session, account: CarrierAccount) -> Gate:
    """Returns what the dock screen of one carrier shows."""
    of_account = select(Manifest).where(Manifest.account_id == account.id)
    newest_first = (col(Manifest.day).desc(), col(Manifest.number).desc())
    manifest = session.exec(of_account.where(Manifest.state == ManifestState.OPEN)).one_or_none()
    is_refused = and_(Manifest.state == ManifestState.CLOSING, col(Manifest.reason).is_not(None))
    closed = of_account.where(Manifest.state != ManifestState.OPEN, not_(is_refused))
    return Gate(
        account=account,
        manifest=manifest,
        parcels=_parcels(session, manifest.id) if manifest else [],
        waiting=_waiting(session, account),
        refused=list(session.exec(of_account.where(is_refused).order_by(*newest_first)).all()),
        closed=list(session.exec(closed.order_by(*newest_first).limit(CLOSED_SHOWN)).all()),
    )


def _parcels(session: Session, manifest_id: UUID) -> list[Parcel]:
    rows = session.execute(
        text(
            "SELECT coalesce(b.tracking_number, '') AS tracking_number, d.name AS brand, d.colour, p.weight_g,"
            " p.handed_over_at FROM label b JOIN package p ON p.brand_id = b.brand_id AND p.id = b.package_id"
            " JOIN brand d ON d.id = b.brand_id WHERE b.manifest_id = :id AND b.state = 'bought'"
            " ORDER BY p.handed_over_at DESC, b.id DESC"
        ),
        {"id": manifest_id},
    ).mappings()
    return [Parcel(**row) for row in rows]


def _waiting(session: Session, account: CarrierAccount) -> int:
    return int(
        session.execute(
            text(
                "SELECT count(*) FROM label b JOIN label_purchase c ON c.brand_id = b.brand_id AND c.id = b.purchase_id"
                " JOIN package p ON p.brand_id = b.brand_id AND p.id = b.package_id"
                " WHERE c.account_id = :id AND b.state = 'bought' AND p.state = 'packed'"
            ),
            {"id": account.id},
        ).scalar_one()
    )


def scan_out(session: Session, action_id: UUID, account: CarrierAccount, barcode: str, staff: Staff) -> Outcome:
    """Hands one parcel over to the carrier; whatever is wrong with it is refused with a sentence."""

    def work() -> Outcome:
        package = dispatch.hand_over(session, account, clean(barcode), actor(staff))
        return Outcome(f"Handed over: {package.tracking_number}.")

    return once(session, action_id, staff, "hand_over", work)


def close_manifest(session: Session, action_id: UUID, manifest: Manifest, staff: Staff) -> Outcome:
    """Closes the manifest; what is scanned from now on goes on the next one."""

    def work() -> Outcome:
        dispatch.close_manifest(session, manifest, actor(staff))
        return Outcome(f"Manifest {manifest.number} is closed. Print the sheet and let the driver sign it.")

    return once(session, action_id, staff, "close_manifest", work)
