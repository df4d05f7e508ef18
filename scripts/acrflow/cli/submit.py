"""acrflow submit: the workflow itself as a small Slurm job."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """\
Examples:
  acrflow submit
  acrflow submit evaluation --configfile my_run.yaml --minutes 600
"""


def submit(
    targets: Annotated[list[str] | None, typer.Argument(metavar="TARGETS", help="What to build; default: all.")] = None,
    profile: Annotated[str, typer.Option(help="Profile of the workflow: a name, or a folder.")] = "slurm",
    configfile: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Configuration file; repeat it for more.")
    ] = None,
    minutes: Annotated[int, typer.Option(help="Time limit of the job.", min=1)] = 1440,
    name: Annotated[str, typer.Option(help="Job name; one job of a name runs at a time.")] = "acrflow",
) -> None:
    """Put the workflow itself into a small Slurm job, which submits the others and follows them.

    Before its own time limit the job goes back to the queue, its jobs run on,
    and it takes them up again. A second call for the same run waits for the first.
    """
    from acrflow.cluster.submit import submit

    job, log = submit(profile, configfile or [], minutes, name, targets or ["all"])
    print(f"Slurm job {job} runs the workflow; its output: {log}")
    print("Follow the trainings with: acrflow watch")
