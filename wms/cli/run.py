# SPDX-License-Identifier: Apache-2.0
"""The processes of an installation: API, workers, sweeper, and the migration before them."""

import os
import signal
import socket
import threading

import click

from wms.cli.context import connected, fail
from wms.platform.settings import settings


def begin_process() -> None:
    """What a worker and a sweeper do first: logs, every kind of job, and the bell where there is a Redis."""
    from wms.kinds import load_jobs
    from wms.platform.bell import hang_bell
    from wms.platform.logs import configure_logs

    configure_logs()
    load_jobs()
    hang_bell()


def stop_event() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, or one sentence when the address cannot be had."""
    try:
        return socket.create_server((host, port), backlog=1024, family=_family(host))
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise fail(f"Cannot listen on {host}:{port}: {why}. Stop what uses the port, or set WMS_PORT.") from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


@click.command()
@click.option("--host", default=lambda: settings().host, show_default="WMS_HOST, 127.0.0.1", help="Address.")
@click.option("--port", type=int, default=lambda: settings().port, show_default="WMS_PORT, 8080", help="Port.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Server processes.")
def serve(host: str, port: int, workers: int) -> None:
    """Answer HTTP: the brands' API, the floor's screens, the portal and the carriers' callbacks.

    \b
    Example:
      wms serve --host 0.0.0.0 --port 8080 --workers 4
    """
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    with connected(), listen(host, port) as listener:
        config = uvicorn.Config(
            "api.app:create_app",
            factory=True,
            loop="uvloop",
            http="httptools",
            workers=workers,
            access_log=False,
            log_level="warning",
            # Longer than a proxy in front keeps its idle connections, so that the proxy is the one to close them.
            timeout_keep_alive=75,
            timeout_graceful_shutdown=3,
            server_header=False,
        )
        server = uvicorn.Server(config)
        if workers == 1:
            server.run(sockets=[listener])
        else:
            Multiprocess(config, sockets=[listener]).run()


@click.command()
@click.option("--threads", type=click.IntRange(1, 64), default=4, show_default=True, help="Jobs at the same time.")
@click.option("--no-redis", is_flag=True, help="Look into the job table every second instead of waiting for rings.")
def work(threads: int, no_redis: bool) -> None:
    """Run jobs: buy labels, fold tracking events, serve whoever waits for stock.

    Rings come through Redis. While it does not answer, due jobs are taken straight from the table; nothing is lost,
    it only takes up to a second longer.

    \b
    Example:
      wms work --threads 8
    """
    from wms.loops import poll_jobs
    from wms.platform.bell import broker, redis_answers

    with connected():
        begin_process()
        stopping = stop_event()
        if no_redis or not settings().redis_url:
            poll_jobs(stopping, threads)
            return
        from dramatiq import Worker

        worker = Worker(broker(), queues={"jobs"}, worker_threads=threads)
        worker.start()
        try:
            poll_jobs(stopping, threads, is_needed=lambda: not redis_answers())
        finally:
            worker.stop(timeout=3_000)


@click.command()
def sweep() -> None:
    """Turn the loops: ring due jobs, release shipments, number the event feed, forget old keys.

    Any number of sweepers may run; they share the work.

    \b
    Example:
      wms sweep
    """
    from wms.loops import sweep as turn_loops

    with connected():
        begin_process()
        turn_loops(stop_event())


@click.command()
def migrate() -> None:
    """Bring the database's schema up to date. Run it with the owner's URL before the new program starts.

    \b
    Example:
      WMS_DATABASE_OWNER_URL=postgresql://owner@db/wms wms migrate
    """
    from wms.migrations import migrate as bring_up_to_date

    with connected():
        bring_up_to_date()
    click.echo("The schema is up to date.")


COMMANDS = (serve, work, sweep, migrate)
