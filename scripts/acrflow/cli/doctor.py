"""acrflow doctor: is everything in order for a run here?"""

from pathlib import Path
from typing import Annotated, Literal

import typer

EXAMPLES = """\
Examples:
  acrflow doctor
  acrflow doctor --profile local --configfile my_run.yaml
"""
MARKS = {True: "ok     ", False: "NOT OK ", None: "unknown"}


def doctor(
    profile: Annotated[Literal["slurm", "local"], typer.Option(help="Where the run shall work.")] = "slurm",
    configfile: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Configuration over the shipped one; repeat it for more, laid over those before."
        ),
    ] = None,
) -> None:
    """Check that a run can work here: Slurm, partitions, accounts, GPUs, file system, models.

    Nothing is queued but one short job that writes a file.
    Ends with status 1 if something is not in order.
    """
    from acrflow.cluster import doctor, site
    from acrflow.config.files import load_files

    config = load_files(configfile or [])
    bad = 0
    for answer in doctor.on_slurm(config, site.load()) if profile == "slurm" else doctor.on_one_machine(config):
        print(f"{MARKS[answer.well]}  {answer.what}: {answer.found}", flush=True)
        if not answer.well and answer.remedy:
            print(f"         Remedy: {answer.remedy}", flush=True)
        bad += answer.well is False
    print(f"{bad} not in order" if bad else "everything is in order")
    raise typer.Exit(int(bad > 0))
