# SPDX-License-Identifier: Apache-2.0
"""The places of a building."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import Session, select

from wms.stock.models import Location, LocationKind


class PlaceIn(BaseModel):
    """A place as a file names it. Codes are scanned, so they are upper case and without spaces."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9._-]{0,31}$")]
    kind: LocationKind = LocationKind.PICK
    route_order: Annotated[int, Field(ge=0, le=1_000_000)] = 0


def add_locations(session: Session, warehouse_id: UUID, places: Sequence[PlaceIn]) -> int:
    """Adds places and brings known ones up to date; returns how many the file named.

    The kind of a place that holds goods decides whether they may be sold, so it stays as it is.
    """
    known = {place.code: place for place in session.exec(select(Location).where(Location.warehouse_id == warehouse_id))}
    for place in places:
        location = known.get(place.code)
        if location is None:
            location = Location(warehouse_id=warehouse_id, code=place.code, kind=place.kind)
            known[place.code] = location
        location.route_order = place.route_order
        session.add(location)
    return len({place.code for place in places})
