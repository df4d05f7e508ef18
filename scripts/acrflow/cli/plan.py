"""acrflow plan: how long the paper's run takes on 8, 64 and 512 GPUs."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """\
Example:
  acrflow plan --out docs/scaling.md
"""


def plan(
    out: Annotated[
        Path | None, typer.Option(help="Also write the table into this page, for instance docs/scaling.md.")
    ] = None,
) -> None:
    """Plan the paper's run on 8, 64 and 512 GPUs: jobs, GPU hours, wall time, files.

    The adapters are trained with 1, 12 and 100 seeds each.
    The hours rest on the figures in docs/scaling.md.
    """
    from acrflow.cluster import plan
    from acrflow.io.files import write_text

    page = plan.around(out) if out else None  # a wrong page is told before the minute that counting takes
    table = plan.table()
    if out and page:
        write_text(out, table.join(page))
    print(table)
