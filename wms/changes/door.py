# SPDX-License-Identifier: Apache-2.0
"""Where it goes and how: another address, another contact, another service class."""

from collections.abc import Callable
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from wms.brands.models import Warehouse
from wms.changes.carrier import ask_carrier
from wms.changes.case import Case, Refused, is_open, sum_up
from wms.changes.matrix import Rule
from wms.changes.models import ChangeAnswer
from wms.changes.schemas import ChangeService, Contact, Readdress
from wms.changes.travel import alone, parting
from wms.dispatch.service import NoCarrier, account_for, request_labels, void_labels
from wms.intake.address import country_exists, doubts
from wms.intake.schemas import RecipientIn
from wms.orders.models import Recipient
from wms.orders.recipients import recipient_key
from wms.platform.clock import now
from wms.platform.errors import Invalid
from wms.shipments.clock import reschedule
from wms.shipments.cutoffs import latest_release
from wms.shipments.models import Shipment
from wms.shipments.service import is_held

Write = Callable[[Shipment], None]


def readdress(case: Case, request: Readdress) -> tuple[ChangeAnswer, str]:
    """Sends everything that has not left to another door. Raises ``Invalid`` for a country that there is not."""
    country = request.recipient.country or case.brand.policy.default_country
    if not country_exists(country):
        raise Invalid(f"There is no country {country}.")
    values = {**request.recipient.model_dump(), "country": country}
    _keep(case, values, doubts(request.recipient, country))
    return resume_address(case)


def resume_address(case: Case) -> tuple[ChangeAnswer, str]:
    """Lets the address that the change keeps take effect wherever it can."""

    def write(shipment: Shipment) -> None:
        _send_to(case, shipment)

    return _change_each(case, write, leaves_group=True)


def contact(case: Case, request: Contact) -> tuple[ChangeAnswer, str]:
    """Changes the phone number, the e-mail address or the notes; the door stays the same."""
    before = case.session.get_one(Recipient, (case.order.brand_id, case.order.recipient_id))
    given = {key: value for key, value in (("phone", request.phone), ("email", request.email)) if value is not None}
    has_news = any(getattr(before, key) != value for key, value in given.items())
    if not has_news and request.notes in (None, case.order.notes):
        raise Refused("nothing_to_change")
    values = {key: getattr(before, key) for key in RecipientIn.model_fields} | given
    _keep(case, values, doubts(RecipientIn.model_validate(values), before.country))
    answer = resume_contact(case)
    if request.notes is not None:
        case.order.notes = request.notes
        case.session.add(case.order)
    return answer


def resume_contact(case: Case) -> tuple[ChangeAnswer, str]:
    """Lets the contact that the change keeps take effect. The label stays: it is the door that a label is held to."""

    _stay_at_the_door(case)

    def write(shipment: Shipment) -> None:
        # The courier of a shared shipment calls its host; another member's number is only that order's.
        if shipment.recipient_id == before:
            shipment.recipient_id = _kept(case)
            case.session.add(shipment)
        case.order.recipient_id = _kept(case)
        case.session.add(case.order)

    before = case.order.recipient_id
    return _change_each(case, write)


def change_service(case: Case, request: ChangeService) -> tuple[ChangeAnswer, str]:
    """Sends everything that has not left with another service class."""
    if request.service == case.order.service:
        raise Refused("nothing_to_change")
    return resume_service(case)


def resume_service(case: Case) -> tuple[ChangeAnswer, str]:
    """Lets the service that the change keeps take effect. Raises :class:`Refused` where no carrier offers it."""
    service = str(case.change.request["service"])

    def write(shipment: Shipment) -> None:
        shipment.service = case.order.service = service
        try:
            account_for(case.session, shipment, pieces=1)
        except NoCarrier as error:
            raise Refused("no_carrier", detail=error.detail) from error
        case.session.add_all([shipment, case.order])
        _follow_clock(case, shipment)

    return _change_each(case, write, leaves_group=True)


def _change_each(case: Case, write: Write, *, leaves_group: bool = False) -> tuple[ChangeAnswer, str]:
    for shipment, stage, found in case.concerned():
        if is_open(found.rule):
            own = alone(case, shipment) if leaves_group else shipment
            if own.id != shipment.id:
                write(own)
                found = parting(stage, found)
            elif found.rule is Rule.RELABEL:
                _relabel(case, own, write)
            else:
                write(own)
        if found.rule is Rule.ASK:
            ask_carrier(case, shipment, stage, found)
        else:
            case.note(shipment, stage, found)
    return sum_up(case.parts)


def _relabel(case: Case, shipment: Shipment, write: Write) -> None:
    """Takes the label out of use, changes the shipment and has another label bought.

    The old one is refused at the dock from this moment on, whatever the carrier answers to the void. A shipment on
    hold is labelled when somebody asks for it at the bench again.
    """
    void_labels(case.session, shipment, case.actor, f"change: {case.change.kind}")
    write(shipment)
    case.session.flush()
    if is_held(case.session, shipment):
        return
    try:
        request_labels(case.session, shipment, case.actor)
    except NoCarrier as error:
        raise Refused("no_carrier", detail=error.detail) from error


def _keep(case: Case, values: dict[str, Any], warnings: list[str]) -> None:
    """Writes the new recipient down; the change names it by its id, so that what is erased is erased in one place."""
    recipient = Recipient(brand_id=case.order.brand_id, warnings=warnings, **values)
    recipient.key = recipient_key(recipient, recipient.country)
    case.session.add(recipient)
    case.session.flush()  # Orders and shipments refer to it by its id only.
    case.change.recipient_id = recipient.id
    if warnings:
        case.change.outcome = {**case.change.outcome, "warnings": warnings}


def _kept(case: Case) -> UUID:
    assert case.change.recipient_id is not None, "The recipient was written down when the change was asked."
    return case.change.recipient_id


def _stay_at_the_door(case: Case) -> None:
    """Writes the contact down for where the order goes now: another address may have been decided while it waited."""
    here = case.session.get_one(Recipient, (case.order.brand_id, case.order.recipient_id))
    contact = case.session.get_one(Recipient, (case.order.brand_id, _kept(case)))
    values = {key: getattr(here, key) for key in RecipientIn.model_fields}
    if any(values[key] != getattr(contact, key) for key in values.keys() - {"phone", "email"}):
        values |= {"phone": contact.phone, "email": contact.email}
        _keep(case, values, doubts(RecipientIn.model_validate(values), here.country))


def _send_to(case: Case, shipment: Shipment) -> None:
    shipment.recipient_id = case.order.recipient_id = _kept(case)
    case.session.add_all([shipment, case.order])


def _follow_clock(case: Case, shipment: Shipment) -> None:
    """Moves a held shipment's clock to the cut-offs of its new service."""
    order = case.order
    warehouse = case.session.get_one(Warehouse, order.warehouse_id)
    order.latest_release, is_late = latest_release(
        case.brand.policy, order.service, ZoneInfo(warehouse.time_zone), now(case.session), order.ship_by
    )
    order.late_since = (order.late_since or now(case.session)) if is_late else None
    case.session.add(order)
    reschedule(case.session, shipment)
