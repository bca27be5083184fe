# SPDX-License-Identifier: Apache-2.0
"""The one clock, for any policy and any company of orders."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from wms.brands.models import Policy
from wms.shipments.clock import Member, release_at

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_moments = st.timedeltas(timedelta(days=-400), timedelta(days=400)).map(lambda distance: NINE + distance)
_policies = st.builds(
    Policy,
    edit_window_seconds=st.integers(0, 7 * 86_400),
    max_hold_seconds=st.none() | st.integers(0, 30 * 86_400),
    processing_seconds=st.integers(0, 7 * 86_400),
)
_members = st.lists(st.builds(Member, _moments, st.none() | _moments), min_size=1, max_size=5)


@given(_policies, _members)
def test_never_before_the_newest_member_and_never_past_its_edit_window(policy: Policy, members: list[Member]) -> None:
    newest = max(member.accepted_at for member in members)
    at = release_at(policy, members)
    assert newest <= at <= newest + timedelta(seconds=policy.edit_window_seconds)


@given(_policies, _members)
def test_the_longest_hold_counts_from_the_oldest_member(policy: Policy, members: list[Member]) -> None:
    if policy.max_hold_seconds is None:
        return
    newest = max(member.accepted_at for member in members)
    bound = min(member.accepted_at for member in members) + timedelta(seconds=policy.max_hold_seconds)
    assert release_at(policy, members) <= max(bound, newest)


@given(_policies, _members)
def test_every_promise_leaves_time_to_process_unless_it_came_too_late(policy: Policy, members: list[Member]) -> None:
    newest = max(member.accepted_at for member in members)
    for member in members:
        if member.ship_by is not None:
            assert release_at(policy, members) <= max(
                member.ship_by - timedelta(seconds=policy.processing_seconds), newest
            )


@given(_policies, _members)
def test_the_clock_is_one_of_its_bounds(policy: Policy, members: list[Member]) -> None:
    newest, oldest = max(m.accepted_at for m in members), min(m.accepted_at for m in members)
    bounds = {newest, newest + timedelta(seconds=policy.edit_window_seconds)}
    bounds |= {oldest + timedelta(seconds=policy.max_hold_seconds or 0)}
    bounds |= {m.ship_by - timedelta(seconds=policy.processing_seconds) for m in members if m.ship_by}
    assert release_at(policy, members) in bounds


@given(_policies, _members)
def test_the_sequence_of_the_members_does_not_matter(policy: Policy, members: list[Member]) -> None:
    assert release_at(policy, members) == release_at(policy, members[::-1])


@given(_policies, _members, _moments)
def test_a_promise_can_only_bring_the_release_forward(policy: Policy, members: list[Member], ship_by: datetime) -> None:
    eager = [Member(members[0].accepted_at, ship_by), *members]
    assert release_at(policy, eager) <= release_at(policy, [Member(members[0].accepted_at), *members])


def test_by_example() -> None:
    policy = Policy(edit_window_seconds=900, max_hold_seconds=1800, processing_seconds=7200)
    late = NINE + timedelta(minutes=20)
    assert release_at(policy, [Member(NINE)]) == NINE + timedelta(minutes=15)
    assert release_at(policy, [Member(NINE), Member(late)]) == NINE + timedelta(minutes=30)
    assert release_at(policy, [Member(NINE), Member(NINE + timedelta(hours=2))]) == NINE + timedelta(hours=2)
    assert release_at(policy, [Member(NINE, NINE + timedelta(hours=2, minutes=5))]) == NINE + timedelta(minutes=5)
    assert release_at(policy, [Member(NINE, NINE)]) == NINE
    assert release_at(Policy(edit_window_seconds=0), [Member(NINE)]) == NINE
