# SPDX-License-Identifier: Apache-2.0
"""A look into the job table, and a second life for dead jobs."""

from uuid import UUID

import click

from wms.cli.context import connected, fail


@click.group()
def jobs() -> None:
    """Work that waits, runs or has died."""


@jobs.command("list")
def list_jobs() -> None:
    """Count the jobs by kind and state.

    \b
    Example:
      wms jobs list
    """
    from sqlalchemy import text

    from wms.platform.db import WAREHOUSE, transaction

    with connected(), transaction(WAREHOUSE) as session:
        rows = session.execute(
            text("SELECT kind, state, count(*) AS jobs FROM job GROUP BY kind, state ORDER BY kind, state")
        ).all()
    for row in rows:
        click.echo(f"{row.kind:<28} {row.state:<8} {row.jobs:>8}")
    if not rows:
        click.echo("There are no jobs.")


@jobs.command("dead")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many to show.")
def list_dead(limit: int) -> None:
    """List jobs that were tried as often as allowed, with their last error. Exit status 1 when there is one.

    \b
    Example:
      wms jobs dead
    """
    from sqlalchemy import text

    from wms.platform.db import WAREHOUSE, transaction

    with connected(), transaction(WAREHOUSE) as session:
        rows = session.execute(
            text("SELECT id, kind, attempts, last_error FROM job WHERE state = 'dead' ORDER BY id LIMIT :limit"),
            {"limit": limit},
        ).all()
    for row in rows:
        click.echo(f"{row.id}  {row.kind}  tried {row.attempts} times  {row.last_error or ''}")
    if rows:
        raise click.exceptions.Exit(1)
    click.echo("There are no dead jobs.")


@jobs.command("revive")
@click.argument("job_id", type=click.UUID, required=False)
@click.option("--all", "all_of_them", is_flag=True, help="Every dead job.")
def revive(job_id: UUID | None, all_of_them: bool) -> None:
    """Make dead jobs due again, with their tries counted anew.

    \b
    Example:
      wms jobs revive 0199a2b4-7c1e-7d3a-9f00-0a1b2c3d4e5f
      wms jobs revive --all
    """
    from sqlalchemy import text

    from wms.platform.db import WAREHOUSE, transaction
    from wms.platform.jobs import revive as make_due

    if (job_id is None) is not all_of_them:
        raise click.UsageError("Name one job, or say --all.")
    with connected(), transaction(WAREHOUSE) as session:
        wanted = (
            [job_id] if job_id else session.execute(text("SELECT id FROM job WHERE state = 'dead'")).scalars().all()
        )
        revived = sum(make_due(session, one) for one in wanted)
    if job_id and not revived:
        raise fail(f"There is no dead job {job_id}.")
    click.echo(f"{revived} jobs are due again.")


COMMANDS = (jobs,)
