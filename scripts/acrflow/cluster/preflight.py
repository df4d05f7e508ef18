"""Before the first job: would Slurm take what is going to be asked for? One message, and no work, if not."""

import re
import shlex
from collections.abc import Iterable
from typing import Any

from acrflow.cluster.commands import call, lines
from acrflow.cluster.efficiency import seconds
from acrflow.cluster.site import Site
from acrflow.io.errors import InputError

# Slurm's words (any version's), what they mean here, and the key of the site file to mend
MEANINGS = (
    (r"invalid partition", "there is no such partition", "partition"),
    (r"invalid account|account.*invalid", "the account is not one of yours", "account"),
    (r"invalid qos", "there is no such quality of service for you", "qos"),
    (r"time limit", "the partition does not allow so long a job", "longest_minutes"),
    (r"node count|node configuration|gres|generic resource|cpu count|memory", "no node is built like that", "gpu_type"),
)


def check(executor: Any, jobs: Iterable[Any], site: Site) -> None:
    """Ask Slurm about every different request among the jobs (`sbatch --test-only`).

    Args:
        executor: `snakemake_executor_plugin_slurm.Executor`.
        jobs: Snakemake jobs that are going to be submitted.

    Raises:
        InputError: a request that Slurm would refuse, with what it said and what to change.
    """
    requests: dict[str, str] = {}
    for job in jobs:
        try:
            request = _request(executor, job)
        except Exception as error:  # WorkflowError: the executor itself checks the account
            raise refused(job.name, "", str(error), site) from None
        requests.setdefault(request, job.name)
    allowed = dict(line.split() for line in lines("sinfo", "--noheader", "--format=%R %l") or [])
    for request, rule in requests.items():
        partition, minutes = re.search(r"-p (\S+)", request), re.search(r"-t (\d+)", request)
        limit = allowed.get(partition[1]) if partition else None
        # by default Slurm takes such a job and lets it wait for ever
        if minutes and limit and 0 < seconds(limit) < 60 * int(minutes[1]):
            raise refused(rule, request, f"the time limit of {partition and partition[1]} is {limit}", site)
        done = call(*shlex.split(request), seconds=30)
        if done.returncode and not re.search(r"MaxSubmit|QOS policy|contact slurm", done.stderr):
            raise refused(rule, request, done.stderr, site)


def _request(executor: Any, job: Any) -> str:
    """The sbatch call that the executor will make, as a question."""
    from snakemake_executor_plugin_slurm.submit_string import get_submit_command
    from snakemake_executor_plugin_slurm.utils import set_gres_string

    params = {
        "run_uuid": "test",
        "slurm_logfile": "/dev/null",
        "comment_str": "test",
        "account": next(executor.get_account_arg(job)),
        "partition": executor.get_partition_arg(job),
        "workdir": None,
    }
    call = get_submit_command(job, params, settings=executor.workflow.executor_settings)
    return f"{call}{set_gres_string(job)} --test-only --wrap true"


def refused(rule: str, request: str, answer: str, site: Site) -> InputError:
    """The error for a request that Slurm would refuse."""
    answer = " ".join(answer.replace("sbatch: error: ", "").replace("allocation failure: ", "").split())
    found = (one for one in MEANINGS if re.search(one[0], answer, re.IGNORECASE))
    _, meaning, key = next(found, ("", "Slurm would refuse it", "partition"))
    remedies = {
        "partition": f"set the partitions in the site file; there are: {_listed('sinfo', '-ho', '%R')}",
        "account": f"set account in the site file to one of: {_accounts()}",
        "qos": "set qos in the site file to one that `sacctmgr show assoc` lists for you, or to null",
        "longest_minutes": f"set longest_minutes in the site file; allowed is: {_listed('sinfo', '-ho', '%R %l')}",
        "gpu_type": "set gpu_type in the site file, or `resources` in the configuration, to what a node has: "
        + _listed("sinfo", "-ho", "%R: %c CPUs, %m MB, %G"),
    }
    wanted = " ".join(
        re.findall(r"-p \S+|-A \S+|--gres=\S+|--gpus=\S+|--nodes=\S+|--mem \d+|-t \d+|--qos=\S+", request)
    )
    what = f"{meaning}: {answer}" + (f"\n  Asked for: {wanted}" if wanted else "")
    return InputError(f"Slurm, for rule {rule}", what, remedies[key])


def _listed(*command: str) -> str:
    return "; ".join(sorted(set(lines(*command) or []))) or "(Slurm does not answer)"


def _accounts() -> str:
    import getpass

    return _listed("sacctmgr", "-nP", "show", "assoc", f"user={getpass.getuser()}", "format=account")
