"""From what a rule needs to what Snakemake asks of Slurm, or of the one machine that it runs on."""

from collections.abc import Callable
from typing import Any

from acrflow.cluster.site import Site
from acrflow.config.resources import Needs

Growing = Callable[..., int]


def requests(needs: Needs, site: Site | None, survives: bool = False) -> dict[str, Any]:
    """The Snakemake resources of a job.

    Args:
        needs: what one job of the rule asks for.
        site: the cluster; None: a single machine, where GPUs, memory and CPUs are only counted.
        survives: the job saves and goes on when it is warned with SIGTERM.

    Returns:
        Values by resource name; memory and run time are functions of Snakemake's `attempt`.
    """
    longest = site.longest_minutes if site else 10**6
    wanted: dict[str, Any] = {
        "mem_mb": lambda wildcards, attempt: needs.mem_mb * attempt,
        "runtime": lambda wildcards, attempt: min(needs.minutes * attempt, longest),
        "cpus_per_task": needs.cpus,
    }
    if site is None:
        return wanted | ({"gpu": needs.gpus * needs.nodes} if needs.gpus else {})
    wanted["slurm_partition"] = site.gpu_partition if needs.gpus else site.cpu_partition
    if site.account:
        wanted["slurm_account"] = site.account
    if site.qos:
        wanted["qos"] = site.qos
    if needs.gpus:
        wanted |= gpus(needs, site)
    if needs.nodes > 1:
        # Snakemake's Slurm job runs its command in a one-node step, unless the rule is declared as one that calls srun
        # itself: `mpi`. That wants two tasks a node or more; ours are one per GPU.
        tasks = max(2, needs.gpus)
        wanted |= {"nodes": needs.nodes, "mpi": "srun", "tasks_per_node": tasks}
        wanted["cpus_per_task"] = max(1, needs.cpus // tasks)
    if survives:
        wanted["slurm_extra"] = f"--signal=TERM@{site.warn_seconds} --open-mode=append"
    return wanted


def gpus(needs: Needs, site: Site) -> dict[str, Any]:
    """GPUs in the site's words: `gres` counts per node, `--gpus` per job."""
    if site.gpu_request == "gres":
        return {"gres": ":".join(["gpu", *([site.gpu_type] if site.gpu_type else []), str(needs.gpus)])}
    return {"gpu": needs.gpus * needs.nodes, **({"gpu_model": site.gpu_type} if site.gpu_type else {})}
