# SPDX-License-Identifier: Apache-2.0
"""Which carrier account a shipment goes with, and how to talk to it."""

import json
from functools import lru_cache
from uuid import UUID

from sqlmodel import Session, col, select

from carriers.port import Capability, Carrier
from carriers.registry import connect as connect_carrier
from wms.dispatch.models import CarrierAccount
from wms.platform.errors import Conflict, NotFound
from wms.platform.secrets import decrypt
from wms.platform.settings import settings
from wms.shipments.models import Shipment


class NoCarrier(Conflict):
    """No account of the warehouse takes this service with this many pieces."""

    code = "no_carrier"


def account_for(session: Session, shipment: Shipment, pieces: int) -> CarrierAccount:
    """Returns the warehouse's first account that offers the shipment's service for so many pieces.

    Raises :class:`NoCarrier`; the bench shows its sentence.
    """
    accounts = session.exec(
        select(CarrierAccount)
        .where(CarrierAccount.warehouse_id == shipment.warehouse_id)
        .order_by(col(CarrierAccount.id))
    ).all()
    offering = [account for account in accounts if shipment.service in account.services]
    for account in offering:
        if pieces == 1 or Capability.MULTI_PIECE in connect(account).capabilities:
            return account
    if offering:
        raise NoCarrier(f"No carrier takes {pieces} packages in one '{shipment.service}' shipment.")
    raise NoCarrier(f"No carrier account of this warehouse offers the service '{shipment.service}'.")


def get_account(session: Session, account_id: UUID) -> CarrierAccount:
    """Returns an account; raises :class:`NotFound`."""
    account = session.get(CarrierAccount, account_id)
    if account is None:
        raise NotFound("There is no such carrier account.")
    return account


def actor_of(account: CarrierAccount) -> str:
    """Returns how the story names what this account's carrier did."""
    return f"carrier:{account.code}"


def connect(account: CarrierAccount) -> Carrier:
    """Returns the account's adapter, shared by the threads of this process so that connections are reused.

    Raises ``carriers.errors.CarrierError`` for an unknown carrier or a missing credential.
    """
    return _connect(account.carrier, account.base_url, account.credentials, settings().carrier_timeout_ms / 1000)


@lru_cache(maxsize=64)
def _connect(carrier: str, base_url: str, credentials: bytes, timeout_s: float) -> Carrier:
    return connect_carrier(carrier, base_url, json.loads(decrypt(credentials)), timeout_s)


def callback_secrets(account: CarrierAccount) -> list[str]:
    """Returns the secrets that callbacks may be signed with: one a line, two while one is being replaced."""
    return decrypt(account.callback_secret).decode().split()
