"""acrflow config: the files that are generated, and what a run's configuration comes to."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """\
Examples:
  acrflow config --check
  acrflow config show --configfile my_run.yaml
"""
app = typer.Typer(name="config")


@app.callback(invoke_without_command=True)
def config(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; name what is out of date, status 1.")] = False,
) -> None:
    """Write what is generated: config/config.yaml, config/schema.json, the conda environments."""
    if context.invoked_subcommand:
        return
    from acrflow.config.generated import drifted, write_generated

    if not check:
        for path in write_generated():
            print(f"{path} written")
        return
    names = drifted()
    for name in names:
        print(f"{name} is out of date: acrflow config")
    raise typer.Exit(int(bool(names)))


@app.command()
def show(
    configfile: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Configuration over the shipped one; repeat it for more, laid over those before."
        ),
    ] = None,
) -> None:
    """Check a run's configuration and print it whole: every key with its value and meaning."""
    from acrflow.config.files import load_files
    from acrflow.config.generated import as_yaml

    print(as_yaml(load_files(configfile or [])))
