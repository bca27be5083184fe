# SPDX-License-Identifier: Apache-2.0
"""The totes of a building."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from wms.floor.models import Tote


def add_totes(session: Session, warehouse_id: UUID, codes: Sequence[str]) -> int:
    """Adds the totes that are not there yet; returns how many those were."""
    known = set(
        session.exec(select(Tote.code).where(Tote.warehouse_id == warehouse_id, col(Tote.code).in_(codes))).all()
    )
    new = [code for code in codes if code not in known]
    session.add_all([Tote(warehouse_id=warehouse_id, code=code) for code in new])
    return len(new)
