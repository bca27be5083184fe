# SPDX-License-Identifier: Apache-2.0
"""The change matrix, as the program decides by it."""

import click


@click.command()
@click.option("--markdown", is_flag=True, help="Print the page of the documentation instead.")
def changes(markdown: bool) -> None:
    """Print what a late change meets at each stage of a shipment.

    \b
    Examples:
      wms changes
      wms changes --markdown > docs/change-matrix.md
    """
    from wms.changes.matrix import page, rows

    if markdown:
        click.echo(page(), nl=False)
        return
    heading, *table = rows()
    for kind, *cells in table:
        click.echo(kind)
        for stage, cell in zip(heading[1:], cells, strict=True):
            click.echo(f"  {stage:<16} {cell}")


COMMANDS = (changes,)
