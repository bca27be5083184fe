# SPDX-License-Identifier: Apache-2.0
"""Dramatiq on Redis: the engine that runs jobs when they are rung. Redis holds nothing that could be missed."""

from functools import lru_cache
from uuid import UUID

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import ShutdownNotifications

from wms.platform import jobs
from wms.platform.settings import settings


@lru_cache(maxsize=1)
def redis_client() -> redis.Redis:
    """A client with short time-outs: a Redis that hangs must not hang a request."""
    timeout_s = settings().redis_timeout_ms / 1000
    client: redis.Redis = redis.Redis.from_url(
        settings().redis_url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
    )
    return client


@lru_cache(maxsize=1)
def broker() -> RedisBroker:
    """The broker of this process; its one actor runs the job whose id it is given.

    Messages of a dead worker are looked for at every command (the queues are few), because by default they come back
    only after minutes. Nothing is retried or delayed here: the job table does both.
    """
    made = RedisBroker(  # type: ignore[no-untyped-call]
        client=redis_client(),
        namespace="wms",
        maintenance_chance=1_000_000,
        heartbeat_timeout=60_000,
        middleware=[ShutdownNotifications()],
    )
    dramatiq.set_broker(made)

    @dramatiq.actor(broker=made, actor_name="ring", queue_name="jobs")
    def _ring(job_id: str) -> None:
        jobs.run_job(UUID(job_id))

    return made


def hang_bell() -> None:
    """Lets commits of this process ring workers, where Redis is configured."""
    if not settings().redis_url:
        return
    actor = broker().get_actor("ring")

    def ring(job_id: UUID) -> None:
        actor.send(str(job_id))

    jobs.use_bell(ring)


def redis_answers() -> bool:
    """Says whether Redis answers a ping now."""
    if not settings().redis_url:
        return False
    try:
        return bool(redis_client().ping())
    except redis.RedisError:
        return False
