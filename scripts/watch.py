"""Show what the run's trainings are doing: step, reward, time left, and the Slurm job of each."""

import argparse
import sys
import time
from pathlib import Path

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table

from acrflow.cluster.watch import Training, trainings
from acrflow.io.errors import InputError, run

HEAD = ("adapter", "job", "state", "node", "step", "reward", "loss", "left", "ago")  # the last step: so long ago


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of all runs (default: results)")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two looks (default 5)")
    parser.add_argument("--once", action="store_true", help="print once and end")
    args = parser.parse_args()
    if not args.results.is_dir():
        raise InputError(args.results, "no such folder", "start a run first, or name its folder with --results")
    console = Console() if sys.stdout.isatty() else Console(width=140)
    if args.once:
        console.print(view(trainings(args.results)))
        return
    try:
        with Live(view(trainings(args.results)), console=console, auto_refresh=False) as live:
            while True:
                time.sleep(args.every)
                live.update(view(trainings(args.results)), refresh=True)
    except KeyboardInterrupt:
        return


def view(found: list[Training]) -> Table:
    """The trainings as a table."""
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


if __name__ == "__main__":
    run(main)
