# SPDX-License-Identifier: Apache-2.0
"""The jobs of this room. A callback names no brand, so it is read in the warehouse's scope; new labels have one."""

from uuid import UUID

from sqlmodel import Session

from wms.delivery import service
from wms.platform.jobs import job


@job("delivery.fold")
def fold(session: Session, inbox_id: str) -> None:
    """Reads one stored callback."""
    service.fold(session, UUID(inbox_id))


@job("delivery.rematch")
def rematch(session: Session, account_id: str, numbers: list[str]) -> None:
    """Reads again the callbacks that came before the labels with these tracking numbers."""
    service.rematch(session, UUID(account_id), numbers)
