"""Slurm's own commands, called with a time limit."""

import subprocess
from collections.abc import Iterator

SECONDS = 60


def call(*command: str, seconds: float = SECONDS) -> subprocess.CompletedProcess[str]:
    """Run a command; a missing program or no answer in time is a failure with the reason on stderr."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def lines(*command: str, seconds: float = SECONDS) -> list[str] | None:
    """The lines that a command prints; None if it failed."""
    done = call(*command, seconds=seconds)
    return [line.strip() for line in done.stdout.splitlines() if line.strip()] if done.returncode == 0 else None


def settings() -> dict[str, str]:
    """The controller's settings (`scontrol show config`); empty if it does not answer."""
    pairs = (line.partition("=")[::2] for line in lines("scontrol", "show", "config", seconds=10) or [])
    return {key.strip(): value.strip() for key, value in pairs}


def accounting() -> bool:
    """Whether the cluster keeps accounts, so that `sacct` knows the jobs."""
    return settings().get("AccountingStorageType", "").endswith("slurmdbd")


def status_command() -> str | None:
    """How Snakemake should ask for the state of its jobs; None where Slurm does not answer."""
    kind = settings().get("AccountingStorageType")
    return None if kind is None else "sacct" if kind.endswith("slurmdbd") else "squeue"


def jobs(which: str) -> Iterator[tuple[str, str, str]]:
    """Id, state and reason of the jobs that the controller still holds; `which` is an option of squeue."""
    for line in lines("squeue", "--noheader", "--states=all", "--format=%i|%T|%r", which) or []:
        job, state, reason = line.split("|", 2)
        yield job, state, reason
