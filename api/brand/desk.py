# SPDX-License-Identifier: Apache-2.0
"""The order desk: single orders that arrive at the same time are accepted in one transaction.

A transaction costs the same whether it carries one order or forty, so under load a shared one serves many callers
sooner than many of their own; a caller who is alone is served at once. No order ever waits for one behind it to come.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from litestar.concurrency import sync_to_thread
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from wms.brands.models import Brand
from wms.intake.schemas import OrderIn
from wms.intake.service import Answer, accept
from wms.platform.db import brand_scope, in_transaction
from wms.platform.errors import Unavailable, WmsError
from wms.platform.idempotency import Question, StoredAnswer, recall_all, remember

BATCH_MAX: Final = 64
# Two batches of a brand may be under way: while one waits for the disk, the other is being prepared.
BATCHES_AT_ONCE: Final = 2
# A database that slows down must not fill the memory with orders whose senders have long given up.
WAITING_MAX: Final = 1_000


@dataclass(frozen=True)
class Submission:
    """One order on the desk. ``render`` makes the body to send, and to keep under the question's key."""

    brand_id: UUID
    order: OrderIn
    render: Callable[[Answer], bytes]
    question: Question | None = None


@dataclass(frozen=True)
class Served:
    status: int
    body: bytes
    is_replay: bool = False


_Waiting = tuple[Submission, asyncio.Future[Served]]


class Desk:
    """Lives on the event loop of one process and needs no lock."""

    def __init__(self) -> None:
        self._queues: defaultdict[UUID, list[_Waiting]] = defaultdict(list)
        self._at_work: defaultdict[UUID, int] = defaultdict(int)
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, submission: Submission) -> Served:
        """Returns the answer once the order's transaction has committed; raises the refusal of this order alone."""
        if len(self._queues[submission.brand_id]) >= WAITING_MAX:
            raise Unavailable("More orders are arriving than can be taken. Please send this one again in a moment.")
        future: asyncio.Future[Served] = asyncio.get_running_loop().create_future()
        self._queues[submission.brand_id].append((submission, future))
        if self._at_work[submission.brand_id] < BATCHES_AT_ONCE:
            self._at_work[submission.brand_id] += 1
            task = asyncio.create_task(self._serve(submission.brand_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _serve(self, brand_id: UUID) -> None:
        try:
            while batch := self._queues[brand_id][:BATCH_MAX]:
                del self._queues[brand_id][: len(batch)]
                await self._serve_batch(brand_id, batch)
        finally:
            self._at_work[brand_id] -= 1
            if not self._queues[brand_id]:
                del self._queues[brand_id]

    async def _serve_batch(self, brand_id: UUID, batch: list[_Waiting]) -> None:
        outcomes: Sequence[Served | Exception]
        try:
            outcomes = await _take(brand_id, [submission for submission, _ in batch])
        except (WmsError, OperationalError) as error:
            # Refused as a whole, or the database is away: asking for each order alone would only wait longer.
            outcomes = [error] * len(batch)
        except Exception as error:
            # Something nobody foresaw: one order must not fail its neighbours, so each is taken alone.
            if len(batch) > 1:
                for one in batch:
                    await self._serve_batch(brand_id, [one])
                return
            outcomes = [error]
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            _settle(future, outcome)


def _settle(future: asyncio.Future[Served], outcome: Served | Exception) -> None:
    if future.cancelled():
        return  # Nobody waits for the answer any more.
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


async def _take(brand_id: UUID, submissions: Sequence[Submission]) -> list[Served | WmsError]:
    def work(session: Session) -> list[Served | WmsError]:
        return take(session, brand_id, submissions)

    return await sync_to_thread(in_transaction, brand_scope(brand_id), work)


def take(session: Session, brand_id: UUID, submissions: Sequence[Submission]) -> list[Served | WmsError]:
    """Serves the submissions in the caller's transaction, in their sequence."""
    brand = session.get_one(Brand, brand_id)
    outcomes: list[Served | WmsError | None] = [None] * len(submissions)
    asked = [(index, s.question) for index, s in enumerate(submissions) if s.question is not None]
    if asked:
        recalled = recall_all(session, brand_id, [question for _, question in asked])
        for (index, _), found in zip(asked, recalled, strict=True):
            if isinstance(found, StoredAnswer):
                outcomes[index] = Served(found.status, found.body, is_replay=True)
            else:
                outcomes[index] = found
    fresh = [index for index, outcome in enumerate(outcomes) if outcome is None]
    answers = accept(session, brand, [submissions[index].order for index in fresh], f"brand:{brand.code}")
    to_keep: list[tuple[Question, StoredAnswer]] = []
    for index, answer in zip(fresh, answers, strict=True):
        submission = submissions[index]
        if answer.refusal is not None:
            outcomes[index] = answer.refusal
            continue
        served = Served(200 if answer.existed else 201, submission.render(answer))
        outcomes[index] = served
        if submission.question is not None:
            to_keep.append((submission.question, StoredAnswer(served.status, served.body)))
    remember(session, brand_id, to_keep)
    return [outcome for outcome in outcomes if outcome is not None]
