# SPDX-License-Identifier: Apache-2.0
"""The one clock, for any policy and any company of orders; and set anew where the company changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.factories import placed, set_policy, shipments, start_picking, stocked
from wms.brands.models import Policy
from wms.orders.models import Order
from wms.platform.db import WAREHOUSE, in_transaction, transaction
from wms.shipments.clock import Member, release_at, reschedule
from wms.shipments.release import release_due
from wms.shipments.service import lines_of, lock_shipment

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_moments = st.timedeltas(timedelta(days=-400), timedelta(days=400)).map(lambda distance: NINE + distance)
_policies = st.builds(
    Policy,
    edit_window_seconds=st.integers(0, 7 * 86_400),
    payment_window_seconds=st.integers(0, 7 * 86_400),
    max_hold_seconds=st.none() | st.integers(0, 30 * 86_400),
    processing_seconds=st.integers(0, 7 * 86_400),
)
_members = st.lists(st.builds(Member, _moments, st.none() | _moments, st.none() | _moments), min_size=1, max_size=5)


def _windows(policy: Policy, members: list[Member]) -> list[datetime]:
    """Returns when the edit window and the payment window of each member end."""
    edit, payment = timedelta(seconds=policy.edit_window_seconds), timedelta(seconds=policy.payment_window_seconds)
    ends = [member.accepted_at + edit for member in members]
    return ends + [member.addon_asked_at + payment for member in members if member.addon_asked_at is not None]


@given(_policies, _members)
def test_never_before_the_newest_member_and_never_past_the_last_window(policy: Policy, members: list[Member]) -> None:
    at = release_at(policy, members)
    assert max(member.accepted_at for member in members) <= at <= max(_windows(policy, members))


@given(_policies, _members)
def test_the_longest_hold_counts_from_the_oldest_member(policy: Policy, members: list[Member]) -> None:
    if policy.max_hold_seconds is None:
        return
    newest = max(member.accepted_at for member in members)
    bound = min(member.accepted_at for member in members) + timedelta(seconds=policy.max_hold_seconds)
    assert release_at(policy, members) <= max(bound, newest)


@given(_policies, _members)
def test_every_promise_is_kept_unless_the_newest_member_came_too_late(policy: Policy, members: list[Member]) -> None:
    newest = max(member.accepted_at for member in members)
    for member in members:
        if member.latest_release is not None:
            assert release_at(policy, members) <= max(member.latest_release, newest)


@given(_policies, _members)
def test_the_clock_is_one_of_its_bounds(policy: Policy, members: list[Member]) -> None:
    oldest = min(member.accepted_at for member in members)
    bounds = {max(member.accepted_at for member in members), max(_windows(policy, members))}
    bounds |= {member.latest_release for member in members if member.latest_release}
    if policy.max_hold_seconds is not None:
        bounds.add(oldest + timedelta(seconds=policy.max_hold_seconds))
    assert release_at(policy, members) in bounds


@given(_policies, _members)
def test_the_sequence_of_the_members_does_not_matter(policy: Policy, members: list[Member]) -> None:
    assert release_at(policy, members) == release_at(policy, members[::-1])


@given(_policies, _members, _moments)
def test_a_promise_can_only_bring_the_release_forward(policy: Policy, members: list[Member], latest: datetime) -> None:
    first = members[0].accepted_at
    assert release_at(policy, [Member(first, latest), *members]) <= release_at(policy, [Member(first), *members])


@given(_policies, _members, _moments)
def test_an_add_on_can_only_put_the_release_off(policy: Policy, members: list[Member], asked_at: datetime) -> None:
    first = members[0].accepted_at
    asked = Member(first, addon_asked_at=asked_at)
    assert release_at(policy, [asked, *members]) >= release_at(policy, [Member(first), *members])


def test_by_example() -> None:
    policy = Policy(edit_window_seconds=900, max_hold_seconds=1800, payment_window_seconds=600)
    late = NINE + timedelta(minutes=20)
    assert release_at(policy, [Member(NINE)]) == NINE + timedelta(minutes=15)
    assert release_at(policy, [Member(NINE), Member(late)]) == NINE + timedelta(minutes=30)
    assert release_at(policy, [Member(NINE), Member(NINE + timedelta(hours=2))]) == NINE + timedelta(hours=2)
    assert release_at(policy, [Member(NINE, NINE + timedelta(minutes=5))]) == NINE + timedelta(minutes=5)
    assert release_at(policy, [Member(NINE, NINE - timedelta(days=1))]) == NINE
    asked = Member(NINE, addon_asked_at=NINE + timedelta(minutes=14))
    assert release_at(policy, [asked]) == NINE + timedelta(minutes=24)
    assert release_at(Policy(edit_window_seconds=0), [Member(NINE)]) == NINE


def test_a_shipments_clock_is_set_anew_from_the_orders_it_carries(database: Any, house: Any, frozen_clock: Any) -> None:
    fennel = house.brands["fennel"].id
    set_policy(database, fennel, edit_window_seconds=60, payment_window_seconds=600, max_hold_seconds=None)
    stocked(house, fennel, "CUP", ("A-01-1", 5))
    order_id = placed(fennel, ("CUP", 1))
    with transaction(WAREHOUSE) as session:
        shipment = lock_shipment(session, fennel, shipments(order_id, fennel)[0].id)
        order = session.get_one(Order, (fennel, order_id))
        order.addon_asked_at = NINE + timedelta(seconds=30)
        session.add(order)
        assert reschedule(session, shipment) == NINE + timedelta(seconds=630)
    assert database.rows("SELECT release_at FROM shipment") == [(NINE + timedelta(seconds=630),)]
    with transaction(WAREHOUSE) as session:
        order = session.get_one(Order, (fennel, order_id))
        order.latest_release = NINE + timedelta(seconds=90)
        session.add(order)
        assert reschedule(session, lock_shipment(session, fennel, shipment.id)) == NINE + timedelta(seconds=90)


def test_a_clock_that_has_run_out_and_one_that_nobody_is_left_for_stay_as_they_are(
    database: Any, house: Any, frozen_clock: Any
) -> None:
    fennel = house.brands["fennel"].id
    stocked(house, fennel, "CUP", ("A-01-1", 5))
    held, walked = (shipments(placed(fennel, ("CUP", 1)), fennel)[0] for _ in range(2))
    with transaction(WAREHOUSE) as session:
        shipment = lock_shipment(session, fennel, held.id)
        (line,) = lines_of(session, shipment)
        line.quantity = 0
        session.add(line)
        assert reschedule(session, shipment) == held.release_at
    frozen_clock.advance(days=1)
    assert in_transaction(WAREHOUSE, release_due) == 1  # The other one has nothing to send.
    set_policy(database, fennel, edit_window_seconds=7200)
    with transaction(WAREHOUSE) as session:
        assert reschedule(session, start_picking(session, walked)) == walked.release_at
