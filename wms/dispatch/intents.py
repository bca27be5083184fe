# SPDX-License-Identifier: Apache-2.0
"""The intent to buy labels: written down, with everything that follows from it, before the carrier is called."""

from uuid import UUID

from sqlmodel import Session, func, select

from carriers.port import Capability
from wms.dispatch.accounts import account_for, connect
from wms.dispatch.models import CarrierAccount, Label, LabelPurchase, PurchaseState
from wms.dispatch.purchases import enqueue_purchase, live_labels, root_purchase, take_out_of_use
from wms.dispatch.requests import ship_to_sha256
from wms.platform.clock import real_now
from wms.platform.errors import Conflict
from wms.shipments.models import PackageState, Shipment, ShipmentState
from wms.shipments.packages import packages_of
from wms.shipments.service import is_held, lock_shipment, move_to, ship_to


class ShipmentHeld(Conflict):
    """Somebody asked for this shipment to wait."""

    code = "shipment_held"


class PackagesNotReady(Conflict):
    """The shipment has no package, or one that is not closed."""

    code = "packages_not_ready"


def request_labels(session: Session, shipment: Shipment, actor: str) -> LabelPurchase:
    """Makes the intent to buy one label per package and the job that buys them: PACKED becomes LABELLING.

    Where some packages have their labels already, the others become further pieces under the same master number
    if the carrier can add pieces; else the labels are voided and all are bought anew.

    Raises ``StateConflict``, :class:`ShipmentHeld`, :class:`PackagesNotReady` or ``NoCarrier``; then nothing is
    written.
    """
    shipment = lock_shipment(session, shipment.brand_id, shipment.id)
    if is_held(session, shipment):
        raise ShipmentHeld("This shipment is on hold. Put it aside until the hold is lifted.")
    packages = packages_of(session, shipment)
    if not packages or any(package.state != PackageState.PACKED for package in packages):
        raise PackagesNotReady("Close and weigh every package of this shipment first.")
    account = account_for(session, shipment, len(packages))
    extended = _to_extend(session, shipment, account, len(packages))
    labelled = {label.package_id for label in live_labels(session, shipment)} if extended else set[UUID]()
    if extended is None:
        take_out_of_use(session, shipment, actor, "The shipment is labelled anew.")
    move_to(session, shipment, ShipmentState.LABELLING)
    attempt = (
        1
        + session.exec(
            select(func.coalesce(func.max(LabelPurchase.attempt), 0)).where(
                LabelPurchase.brand_id == shipment.brand_id, LabelPurchase.shipment_id == shipment.id
            )
        ).one()
    )
    purchase = LabelPurchase(
        brand_id=shipment.brand_id,
        shipment_id=shipment.id,
        attempt=attempt,
        extends_id=extended.id if extended else None,
        key=f"{shipment.id.hex}-{attempt}",
        account_id=account.id,
        ship_to_sha256=ship_to_sha256(ship_to(session, shipment)),
        requested_by=actor,
        asked_at=real_now(),
    )
    session.add(purchase)
    # Its labels refer to it, and rows without a relationship are not ordered by the session.
    session.flush()
    session.add_all(
        Label(brand_id=shipment.brand_id, purchase_id=purchase.id, package_id=package.id)
        for package in packages
        if package.id not in labelled
    )
    enqueue_purchase(session, purchase)
    return purchase


def _to_extend(session: Session, shipment: Shipment, account: CarrierAccount, packages: int) -> LabelPurchase | None:
    """Returns the purchase that the unlabelled packages can be further pieces of, if there is one.

    The labels that stay must go to the same door, and a carrier that has refused an addition is not asked twice.
    """
    root = root_purchase(session, shipment)
    if root is None or root.account_id != account.id or len(live_labels(session, shipment)) >= packages:
        return None
    was_refused = session.exec(
        select(LabelPurchase.id)
        .where(
            LabelPurchase.brand_id == root.brand_id,
            LabelPurchase.extends_id == root.id,
            LabelPurchase.state == PurchaseState.REFUSED,
        )
        .limit(1)
    ).first()
    is_same_door = root.ship_to_sha256 == ship_to_sha256(ship_to(session, shipment))
    can_add = Capability.ADD_PIECE in connect(account).capabilities
    return root if can_add and is_same_door and was_refused is None else None
