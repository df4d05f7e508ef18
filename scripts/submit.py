"""Put the workflow itself into a small Slurm job, which submits the others and follows them.

Before its own time limit the job goes back to the queue, its jobs run on, and it takes them up again. A second call for
the same run waits for the first.
"""

import argparse
import shlex
import sys
from pathlib import Path

from acrflow.cluster import site
from acrflow.cluster.commands import call
from acrflow.io.errors import InputError, run
from acrflow.io.files import write_text

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="slurm", help="profile of the workflow (default: slurm)")
    parser.add_argument("--configfile", nargs="*", default=[], help="configuration files")
    parser.add_argument("--minutes", type=int, default=1440, help="time limit of the job (default 1440)")
    parser.add_argument(
        "--name", default="acrflow", help="job name; one job of a name runs at a time (default acrflow)"
    )
    parser.add_argument("targets", nargs="*", default=["all"], help="what to build (default: all)")
    args = parser.parse_args()
    ours = site.load()
    command = [str(Path(sys.executable).parent / "snakemake"), "--profile", args.profile]
    command += ["--configfile", *args.configfile] if args.configfile else []
    Path("logs/slurm").mkdir(parents=True, exist_ok=True)
    options = [f"--partition={ours.network_partition or ours.cpu_partition}", f"--time={args.minutes}"]
    options += [f"--account={ours.account}"] if ours.account else []
    options += [f"--qos={ours.qos}"] if ours.qos else []
    options += ["--cpus-per-task=2", "--mem=4000", "--requeue", "--open-mode=append", "--dependency=singleton"]
    options += ["--signal=B:TERM@120", f"--job-name={args.name}", "--output=logs/slurm/workflow-%j.log", "--parsable"]
    quoted = shlex.join(command)
    script = BATCH.format(command=quoted, targets=shlex.join(["--", *args.targets]))
    file = Path("logs/slurm/workflow.sh")
    write_text(file, script)
    done = call("sbatch", *options, str(file), seconds=60)
    if done.returncode:
        raise InputError("sbatch", done.stderr.strip(), "make doctor PROFILE=slurm says what Slurm would not take")
    job = done.stdout.strip().partition(";")[0]
    print(f"Slurm job {job} runs the workflow; its output: {Path.cwd()}/logs/slurm/workflow-{job}.log")
    print("Follow the trainings with: make watch")


if __name__ == "__main__":
    run(main)
