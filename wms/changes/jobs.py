# SPDX-License-Identifier: Apache-2.0
"""What changes do when the rooms below have something to tell."""

from uuid import UUID

from sqlmodel import Session

from wms.changes.resolving import resolve
from wms.platform.jobs import job


@job("changes.resolve")
def resolve_waiting(session: Session, shipment_id: str) -> None:
    """A label was bought or refused, or the carrier answered about a shipment that it has."""
    resolve(session, UUID(shipment_id))
