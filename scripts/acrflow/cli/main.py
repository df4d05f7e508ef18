"""The command `acrflow` and its subcommands."""

from typing import Annotated

import typer

from acrflow import __version__
from acrflow.cli import compare, config, doctor, plan, recommend, submit, summary, watch
from acrflow.io.errors import run

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(wanted: bool) -> None:
    if wanted:
        print(f"acrflow {__version__}")
        raise typer.Exit


@app.callback()
def acrflow(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """From imaging guidelines to reasoning adapters: the tools around a run of the workflow.

    Runs themselves are built by Snakemake: snakemake --profile slurm all.
    """


RESULTS, RUNS, PROJECT = "Results", "Runs on a machine or cluster", "Project"
app.command(rich_help_panel=RESULTS, epilog=summary.EXAMPLES)(summary.summary)
app.command(rich_help_panel=RESULTS, epilog=compare.EXAMPLES)(compare.compare)
app.command(rich_help_panel=RESULTS, epilog=recommend.EXAMPLES)(recommend.recommend)
app.command(rich_help_panel=RUNS, epilog=doctor.EXAMPLES)(doctor.doctor)
app.command(rich_help_panel=RUNS, epilog=submit.EXAMPLES)(submit.submit)
app.command(rich_help_panel=RUNS, epilog=watch.EXAMPLES)(watch.watch)
app.command(rich_help_panel=RUNS, epilog=plan.EXAMPLES)(plan.plan)
app.add_typer(config.app, rich_help_panel=PROJECT, epilog=config.EXAMPLES)


def main() -> None:
    """Run the command; what the user can mend is one message and exit status 2, as in the programs of the rules."""
    run(lambda: app(prog_name="acrflow"))
