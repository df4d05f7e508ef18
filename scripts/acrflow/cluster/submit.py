"""The workflow itself as a small Slurm job, which submits the others and follows them.

Before its own time limit the job goes back to the queue, its jobs run on, and it takes them up again. A second job of
the same name waits for the first.
"""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from acrflow.cluster import site
from acrflow.cluster.commands import call
from acrflow.io.errors import InputError
from acrflow.io.files import write_text
from acrflow.io.shipped import shipped

# Snakemake is killed and not asked to stop: asked, it would wait for its jobs, or cancel them. They run on, and the
# next start takes over what they make.
BATCH = """#!/bin/bash
job=$SLURM_JOB_ID
trap 'kill -KILL $snakemake; scontrol requeue $job; sleep 300' TERM
{command} --unlock
{command} {targets} &
snakemake=$!
wait $snakemake
"""


def submit(
    profile: str, configfiles: Sequence[Path], minutes: int, name: str, targets: Sequence[str]
) -> tuple[str, Path]:
    """Submit the workflow for the current folder. The job's id, and the file of its output.

    Args:
        profile: a folder, or the name of one that is shipped.
        minutes: time limit of the job.
        name: its name; one job of a name runs at a time.
        targets: what to build.

    Raises:
        InputError: Slurm does not take it.
    """
    ours = site.load()
    folder = Path("logs/slurm")
    folder.mkdir(parents=True, exist_ok=True)
    options = [f"--partition={ours.network_partition or ours.cpu_partition}", f"--time={minutes}"]
    options += [f"--account={ours.account}"] if ours.account else []
    options += [f"--qos={ours.qos}"] if ours.qos else []
    options += ["--cpus-per-task=2", "--mem=4000", "--requeue", "--open-mode=append", "--dependency=singleton"]
    options += ["--signal=B:TERM@120", f"--job-name={name}", f"--output={folder}/workflow-%j.log", "--parsable"]
    command = shlex.join(snakemake(profile, configfiles))
    file = folder / "workflow.sh"
    write_text(file, BATCH.format(command=command, targets=shlex.join(["--", *targets])))
    done = call("sbatch", *options, str(file), seconds=60)
    if done.returncode:
        raise InputError("sbatch", done.stderr.strip(), "acrflow doctor says what Slurm would not take")
    job = done.stdout.strip().partition(";")[0]
    return job, Path.cwd() / folder / f"workflow-{job}.log"


def snakemake(profile: str, configfiles: Sequence[Path]) -> list[str]:
    """The command that runs the workflow in the current folder, which need not be the repository."""
    command = [str(Path(sys.executable).parent / "snakemake")]
    if not Path("Snakefile").is_file():
        command += ["--snakefile", str(shipped("Snakefile"))]
    if not Path(profile, "config.yaml").is_file():
        profile = str(shipped(f"profiles/{profile}"))
    command += ["--profile", profile]
    return command + (["--configfile", *map(str, configfiles)] if configfiles else [])
