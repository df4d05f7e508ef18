"""acrflow watch: what the trainings are doing."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

EXAMPLES = """\
Example:
  acrflow watch --once
"""
if TYPE_CHECKING:
    from rich.table import Table

    from acrflow.cluster.watch import Training

HEAD = ("adapter", "job", "state", "node", "step", "reward", "loss", "left", "ago")  # the last step: so long ago


def watch(
    results: Annotated[Path, typer.Option(help="Folder of all runs.")] = Path("results"),
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.1)] = 5.0,
    once: Annotated[bool, typer.Option("--once", help="Print once and end.")] = False,
) -> None:
    """Show what the trainings are doing: step, reward, time left, and the Slurm job of each."""
    from rich.console import Console
    from rich.live import Live

    from acrflow.cluster.watch import trainings
    from acrflow.io.errors import InputError

    if not results.is_dir():
        raise InputError(results, "no such folder", "start a run first, or name its folder with --results")
    console = Console() if sys.stdout.isatty() else Console(width=140)
    if once:
        console.print(view(trainings(results)))
        return
    try:
        with Live(view(trainings(results)), console=console, auto_refresh=False) as live:
            while True:
                time.sleep(every)
                live.update(view(trainings(results)), refresh=True)
    except KeyboardInterrupt:
        return


def view(found: "list[Training]") -> "Table":
    """The trainings as a table."""
    from rich import box
    from rich.table import Table

    title = f"{time.strftime('%H:%M:%S')}  {len(found)} trainings"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))  # 80 columns are enough
    for name in HEAD:
        table.add_column(name, no_wrap=name in ("step", "left", "ago"), overflow="fold")
    for one in found:
        table.add_row(
            one.name,
            one.job or "-",
            one.state,
            one.node,
            f"{one.step}/{one.steps}" if one.steps else "-",
            "-" if one.reward is None else f"{one.reward:.2f}",
            "-" if one.loss is None else f"{one.loss:.3f}",
            "-" if one.left is None else span(one.left),
            "-" if one.age is None else span(one.age),
        )
    return table


def span(seconds: float) -> str:
    """Seconds as [hours:]minutes:seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes > 59 else f"{minutes}:{rest:02d}"
