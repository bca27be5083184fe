# SPDX-License-Identifier: Apache-2.0
"""The one clock. The release loop, the brand's API, the shopper's countdown and the floor's board show this figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wms.brands.models import Policy


@dataclass(frozen=True)
class Member:
    """What one order brings to the clock of its shipment. ``ship_by``: when it must have left, where promised."""

    accepted_at: datetime
    ship_by: datetime | None = None


def release_at(policy: Policy, members: Sequence[Member]) -> datetime:
    """Returns the instant at which the shipment of these orders is released to the floor.

    The newest member's edit window, bounded by the brand's longest hold counted from the oldest member, and by the
    earliest promise less the time that processing takes. A promise that is already too near releases at once, and
    never before the newest member was accepted.
    """
    window = timedelta(seconds=policy.edit_window_seconds)
    newest = max(member.accepted_at for member in members)
    bounds = [newest + window]
    if policy.max_hold_seconds is not None:
        oldest = min(member.accepted_at for member in members)
        bounds.append(oldest + timedelta(seconds=policy.max_hold_seconds))
    processing = timedelta(seconds=policy.processing_seconds)
    bounds.extend(member.ship_by - processing for member in members if member.ship_by is not None)
    return max(min(bounds), newest)
