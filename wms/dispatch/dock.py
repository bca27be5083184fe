# SPDX-License-Identifier: Apache-2.0
"""The last scan before the carrier's truck. What is wrong with a parcel is found here or by the shopper."""

from typing import Final

from sqlmodel import Session

from wms.dispatch.accounts import get_account
from wms.dispatch.manifests import open_manifest
from wms.dispatch.models import CarrierAccount, Label, LabelPurchase, LabelState
from wms.dispatch.prints import label_by_barcode
from wms.dispatch.requests import ship_to_sha256
from wms.platform.errors import Conflict
from wms.shipments import packages
from wms.shipments.models import Package, PackageState, Shipment, ShipmentState
from wms.shipments.service import is_held, lock_shipment, ship_to

_NOT_LIVE: Final = {
    LabelState.VOID_REQUESTED: "This label is void. Take the parcel back to the packing bench.",
    LabelState.VOIDED: "This label is void. Take the parcel back to the packing bench.",
    LabelState.REFUSED: "The carrier refused this label. Take the parcel back to the packing bench.",
}


class NotForHandOver(Conflict):
    """The parcel stays here.

    ``reason`` is one of void, foreign, gone, held, change, unchecked, address, not_labelled.
    """

    code = "not_for_hand_over"


def hand_over(session: Session, account: CarrierAccount, barcode: str, actor: str) -> Package:
    """Hands one scanned parcel to the carrier of ``account``: it joins the open manifest, and its goods are shipped.

    Raises ``NotFound`` for a code that is no label of ours and :class:`NotForHandOver` with the sentence to show;
    then nothing is written.
    """
    label = label_by_barcode(session, barcode)
    purchase = session.get(LabelPurchase, (label.brand_id, label.purchase_id))
    assert purchase is not None, "A foreign key keeps every label's purchase."
    shipment = lock_shipment(session, label.brand_id, purchase.shipment_id)
    # Read again under the lock: a void that was faster has won.
    session.refresh(label)
    package = session.get(Package, (label.brand_id, label.package_id), populate_existing=True)
    assert package is not None, "A foreign key keeps every label's package."
    _check_label(session, account, label, purchase)
    _check_parcel(session, shipment, package, purchase)
    label.manifest_id = open_manifest(session, account).id
    packages.hand_over(session, package, actor)
    return package


def _check_label(session: Session, account: CarrierAccount, label: Label, purchase: LabelPurchase) -> None:
    if label.state != LabelState.BOUGHT:
        sentence = _NOT_LIVE.get(label.state, "This label is not bought yet. Put the parcel aside.")
        raise NotForHandOver(sentence, reason="void")
    if purchase.account_id != account.id:
        other = get_account(session, purchase.account_id)
        raise NotForHandOver(f"This parcel goes with {other.code}, not with {account.code}.", reason="foreign")


def _check_parcel(session: Session, shipment: Shipment, package: Package, purchase: LabelPurchase) -> None:
    if package.state == PackageState.HANDED_OVER:
        raise NotForHandOver("This parcel was scanned already.", reason="gone")
    if package.state == PackageState.DELIVERED:
        raise NotForHandOver("The carrier says that this parcel is delivered already.", reason="gone")
    if is_held(session, shipment):
        raise NotForHandOver("This parcel is on hold. Put it aside until the hold is lifted.", reason="held")
    if shipment.pending_changes:
        raise NotForHandOver("Somebody asked for a change of this parcel. Scan it again in a moment.", reason="change")
    if shipment.state != ShipmentState.LABELLED or package.state != PackageState.PACKED:
        raise NotForHandOver("This parcel is not ready. Take it back to the packing bench.", reason="not_labelled")
    if purchase.ship_to_sha256 != ship_to_sha256(ship_to(session, shipment)):
        raise NotForHandOver(
            "The address was changed after this label was bought. Take the parcel back to the packing bench.",
            reason="address",
        )
    if package.label_verified_at is None:
        raise NotForHandOver(
            "This label was not checked at the packing bench. Take the parcel back there.", reason="unchecked"
        )
