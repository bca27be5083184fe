# SPDX-License-Identifier: Apache-2.0
"""The jobs of this room: what rooms below it change about a walk that is under way."""

from uuid import UUID

from sqlmodel import Session

from wms.floor import picking
from wms.platform.jobs import job


@job("floor.replan")
def replan(session: Session, brand_id: str, shipment_id: str) -> None:
    """Brings the walk of a shipment in line with its allocations, after a count moved or took them."""
    picking.replan(session, UUID(brand_id), UUID(shipment_id))
