# SPDX-License-Identifier: Apache-2.0
"""Our dataclasses to the sandbox carrier's bytes. Pure."""

import json
from dataclasses import asdict

from carriers.port import Address, AmendmentKind, Contact, Money, Parcel, ShipmentRequest


def shipment(request: ShipmentRequest) -> bytes:
    """The body of ``POST /v1/shipments``."""
    return _json(
        {
            "key": request.key,
            "reference": request.reference,
            "service": request.service,
            "from": asdict(request.ship_from),
            "to": asdict(request.ship_to),
            "parcels": [_parcel(parcel) for parcel in request.parcels],
            "cod": _money(request.cod),
            "contents_value": _money(request.contents_value),
        }
    )


def addition(key: str, parcels: tuple[Parcel, ...]) -> bytes:
    """The body of ``POST /v1/shipments/{id}/pieces``."""
    return _json({"key": key, "parcels": [_parcel(parcel) for parcel in parcels]})


def redirect(key: str, ship_to: Address) -> bytes:
    """The body of ``POST /v1/shipments/{id}/amendments`` that names another door."""
    return _json({"key": key, "kind": AmendmentKind.REDIRECT, "to": asdict(ship_to)})


def edit_contact(key: str, contact: Contact) -> bytes:
    """The body of ``POST /v1/shipments/{id}/amendments`` that names another way to reach the recipient."""
    return _json({"key": key, "kind": AmendmentKind.EDIT_CONTACT, "contact": asdict(contact)})


def return_to_origin(key: str) -> bytes:
    """The body of ``POST /v1/shipments/{id}/amendments`` that calls the parcels back."""
    return _json({"key": key, "kind": AmendmentKind.RETURN_TO_ORIGIN})


def void(tracking_number: str | None) -> bytes:
    """The body of ``POST /v1/shipments/{id}/void``; no number means the whole shipment."""
    return _json({"tracking_number": tracking_number})


def manifest(key: str, tracking_numbers: tuple[str, ...]) -> bytes:
    """The body of ``POST /v1/manifests``."""
    return _json({"key": key, "tracking_numbers": list(tracking_numbers)})


def webhook(url: str, secret: str) -> bytes:
    """The body of ``PUT /v1/webhook``."""
    return _json({"url": url, "secret": secret})


def _parcel(parcel: Parcel) -> dict[str, object]:
    return {
        "reference": parcel.reference,
        "weight_g": parcel.weight_g,
        "size_mm": [parcel.length_mm, parcel.width_mm, parcel.height_mm],
    }


def _money(money: Money | None) -> dict[str, object] | None:
    return None if money is None else {"amount": money.amount_minor, "currency": money.currency}


def _json(body: dict[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
