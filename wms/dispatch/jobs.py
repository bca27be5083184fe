# SPDX-License-Identifier: Apache-2.0
"""Where the carrier is called: commit the intent, call with a stable key and no transaction open, record under the
lease. A worker that dies anywhere in between leaves a purchase in doubt, which the next one looks up first."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from carriers.errors import CarrierError
from carriers.port import Purchase, ShipmentRequest
from wms.dispatch import amendments, manifests, voids
from wms.dispatch.accounts import connect, get_account
from wms.dispatch.models import CarrierAccount, LabelPurchase
from wms.dispatch.purchases import lock_purchase, record_answer
from wms.dispatch.requests import build_request
from wms.dispatch.states import UNRESOLVED
from wms.platform.db import WAREHOUSE, Scope, brand_scope, in_transaction
from wms.platform.faults import fault_point
from wms.platform.jobs import Lease, Retry, external_job
from wms.platform.settings import settings


@dataclass(frozen=True)
class Intent:
    """One call about to be made. ``was_in_doubt``: an earlier one may have reached the carrier.

    ``extends`` is the carrier's shipment that gets further pieces, None for a shipment of its own.
    """

    account: CarrierAccount
    request: ShipmentRequest
    extends: str | None
    was_in_doubt: bool


@external_job("dispatch.buy_labels")
def buy_labels(lease: Lease) -> None:
    """Buys the labels of one purchase, or finds out that they were bought already."""
    scope, purchase_id = _scope(lease), UUID(lease.args["purchase_id"])
    intent = in_transaction(scope, lambda session: _begin(session, lease, purchase_id))
    if intent is None:
        return
    fault_point("dispatch.after_intent")
    answer = _ask(intent)
    fault_point("dispatch.after_carrier_call")
    retry = in_transaction(scope, lambda session: _record(session, lease, purchase_id, intent, answer))
    if retry is not None:
        raise retry


def _begin(session: Session, lease: Lease, purchase_id: UUID) -> Intent | None:
    purchase, shipment = lock_purchase(session, _brand_id(lease), purchase_id)
    if purchase.state not in UNRESOLVED:
        lease.finish(session)
        return None
    lease.hold(session)
    account = get_account(session, purchase.account_id)
    request = build_request(session, purchase, shipment, account)
    intent = Intent(account, request, _extended_by(session, purchase), purchase.in_doubt)
    # Committed before the call: whoever comes after a worker that died must not take it for the first one.
    purchase.in_doubt = True
    return intent


def _extended_by(session: Session, purchase: LabelPurchase) -> str | None:
    if purchase.extends_id is None:
        return None
    return session.get_one(LabelPurchase, (purchase.brand_id, purchase.extends_id)).carrier_shipment_id


def _ask(intent: Intent) -> Purchase | CarrierError:
    """Looks the key up where labels may exist, and buys under the same key where the carrier has none."""
    try:
        carrier = connect(intent.account)
        if intent.was_in_doubt:
            found = carrier.find(intent.request.key)
            if found is not None:
                return found
        fault_point("dispatch.before_carrier_call")
        if intent.extends is not None:
            return carrier.add_piece(intent.request.key, intent.extends, intent.request.parcels)
        return carrier.buy(intent.request)
    except CarrierError as error:
        return error


def _record(
    session: Session, lease: Lease, purchase_id: UUID, intent: Intent, answer: Purchase | CarrierError
) -> Retry | None:
    purchase, shipment = lock_purchase(session, _brand_id(lease), purchase_id)
    # Asked before anything is written, so that a worker that slept through its lease says so and nothing else.
    lease.hold(session)
    if purchase.state not in UNRESOLVED:
        # A person settled it while the carrier was being asked.
        lease.finish(session)
        return None
    retry = record_answer(
        session,
        purchase,
        shipment,
        intent.account,
        answer,
        was_in_doubt=intent.was_in_doubt,
        is_last_try=_is_last_try(lease),
    )
    fault_point("dispatch.before_record")
    if retry is None:
        lease.finish(session)
    return retry


@external_job("dispatch.void_labels")
def void_labels(lease: Lease) -> None:
    """Asks the carrier to void the labels of a purchase that wait for it. Voiding twice is harmless."""
    scope, purchase_id = _scope(lease), UUID(lease.args["purchase_id"])
    order = in_transaction(scope, lambda session: voids.begin(session, lease, _brand_id(lease), purchase_id))
    if order is None:
        return
    answers = voids.ask(order)
    fault_point("dispatch.after_void_call")

    def record(session: Session) -> Retry | None:
        is_last_try = _is_last_try(lease)
        return voids.record(session, lease, _brand_id(lease), purchase_id, answers, is_last_try=is_last_try)

    retry = in_transaction(scope, record)
    if retry is not None:
        raise retry


@external_job("dispatch.amend")
def amend(lease: Lease) -> None:
    """Asks the carrier about a shipment that it has, or how such a question stands. Asking twice is harmless."""
    scope, amendment_id = _scope(lease), UUID(lease.args["amendment_id"])
    question = in_transaction(scope, lambda session: amendments.begin(session, lease, _brand_id(lease), amendment_id))
    if question is None:
        return
    fault_point("dispatch.before_amend_call")
    answer = amendments.ask(question)
    fault_point("dispatch.after_amend_call")

    def record(session: Session) -> Retry | None:
        return amendments.record(session, lease, amendment_id, question, answer, is_last_try=_is_last_try(lease))

    retry = in_transaction(scope, record)
    if retry is not None:
        raise retry


@external_job("dispatch.close_manifest")
def close_manifest(lease: Lease) -> None:
    """Tells the carrier what it collects, once: the manifest's id is the key."""
    manifest_id = UUID(lease.args["manifest_id"])
    order = in_transaction(WAREHOUSE, lambda session: manifests.begin(session, lease, manifest_id))
    if order is None:
        return
    answer = manifests.ask(order)
    fault_point("dispatch.after_manifest_call")

    def record(session: Session) -> Retry | None:
        return manifests.record(session, lease, manifest_id, answer, is_last_try=_is_last_try(lease))

    retry = in_transaction(WAREHOUSE, record)
    if retry is not None:
        raise retry


def _scope(lease: Lease) -> Scope:
    return brand_scope(_brand_id(lease))


def _brand_id(lease: Lease) -> UUID:
    assert lease.brand_id is not None, "A purchase belongs to a brand, and its jobs are enqueued with it."
    return lease.brand_id


def _is_last_try(lease: Lease) -> bool:
    return lease.attempt >= settings().job_attempts_max
