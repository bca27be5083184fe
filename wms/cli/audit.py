# SPDX-License-Identifier: Apache-2.0
"""The proof that the books are in order."""

from typing import TYPE_CHECKING

import click

from wms.cli.context import connected

if TYPE_CHECKING:
    from wms.audit.service import Finding


@click.command()
@click.option(
    "--carriers", "with_carriers", is_flag=True, help="Also compare our labels with the carriers' books (L2)."
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def audit(with_carriers: bool, as_json: bool) -> None:
    """Check every invariant of the warehouse on one snapshot of the database.

    Prints a line for each invariant with the number of offences and where they are. Exit status 1 when there is one.

    \b
    Example:
      wms audit --carriers
    """
    from wms.audit.service import compare_with_carriers, run_audit
    from wms.platform.db import WAREHOUSE, transaction

    with connected():
        with transaction(WAREHOUSE, is_snapshot=True) as session:
            findings = run_audit(session)
        if with_carriers:
            findings.append(compare_with_carriers())
    click.echo(as_document(findings) if as_json else as_lines(findings))
    if any(finding.count for finding in findings):
        raise click.exceptions.Exit(1)


def as_lines(findings: "list[Finding]") -> str:
    """Returns one line an invariant, followed by its offences."""
    lines = []
    for finding in findings:
        verdict = "ok" if finding.count == 0 else f"{finding.count} broken"
        lines.append(f"{finding.code:<3} {verdict:<12} {finding.title}")
        lines.extend(f"      {offence}" for offence in finding.ids)
    return "\n".join(lines)


def as_document(findings: "list[Finding]") -> str:
    """Returns the findings as a JSON array."""
    import msgspec

    return msgspec.json.encode(findings).decode()


COMMANDS = (audit,)
