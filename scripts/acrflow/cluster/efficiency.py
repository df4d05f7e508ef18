"""After the end: what each job asked for and what it used, from Slurm's accounts."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from acrflow.cluster.commands import lines
from acrflow.io.files import write_text

FIELDS = "JobID,Comment,State,Elapsed,Timelimit,NCPUS,TotalCPU,ReqMem,MaxRSS,ReqTRES,TRESUsageInAve,NNodes"
UNITS = {"K": 1 / 1024, "M": 1.0, "G": 1024.0, "T": 1024.0**2, "": 1 / 1024**2}


@dataclass(frozen=True)
class Use:
    """One Slurm job: asked and used.

    Attributes:
        job: Slurm's id.
        step: rule and wildcards.
        cpus, cpu_share: CPUs asked for, and the share of their time that was used.
        mem_mb, mem_share: MB asked for (all nodes), and the share that was used at most.
        minutes, time_share: time limit in minutes, and the share that was used.
        gpus, gpu_share: GPUs asked for, and their utilization; None where Slurm does not measure it.
    """

    job: str
    step: str
    state: str
    cpus: int
    cpu_share: float
    mem_mb: float
    mem_share: float
    minutes: float
    time_share: float
    gpus: int
    gpu_share: float | None


def uses(name: str, adopted: Iterable[str] = ()) -> list[Use] | None:
    """The use of every job of a name, and of adopted ones of another; None if Slurm keeps no accounts."""
    columns = ("sacct", "--parsable2", "--noheader", f"--format={FIELDS}")
    table = lines(*columns, f"--name={name}", "--starttime=now-30days")
    if table is None:
        return None
    found = {line.partition("|")[0].partition(".")[0]: None for line in table} | dict.fromkeys(sorted(adopted))
    # `--name` selects jobs only; their steps come with them when asked by id
    if not found:
        return []
    steps = lines(*columns, f"--jobs={','.join(found)}") or []
    rows = [dict(zip(FIELDS.split(","), line.split("|"), strict=False)) for line in steps]
    return [_use(job, [row for row in rows if row["JobID"].partition(".")[0] == job]) for job in found]


def _use(job: str, rows: list[dict[str, str]]) -> Use:
    whole = next((row for row in rows if row["JobID"] == job), rows[0])
    elapsed, cpus = max(1.0, seconds(whole["Elapsed"])), int(whole["NCPUS"] or 1)
    mem = megabytes(whole["ReqMem"]) * (int(whole["NNodes"] or 1) if whole["ReqMem"].endswith("n") else 1)
    limit = seconds(whole["Timelimit"])
    gpus = re.search(r"gres/gpu=(\d+)", whole["ReqTRES"])
    busy = [float(one) for row in rows for one in re.findall(r"gres/gpuutil=(\d+)", row["TRESUsageInAve"])]
    return Use(
        job=job,
        step=whole["Comment"].removeprefix("rule_").replace("_wildcards_", " "),
        state=whole["State"].partition(" ")[0],
        cpus=cpus,
        cpu_share=seconds(whole["TotalCPU"]) / (elapsed * cpus),
        mem_mb=mem,
        mem_share=max(megabytes(row["MaxRSS"]) for row in rows) / mem if mem else 0.0,
        minutes=limit / 60,
        time_share=elapsed / limit if limit else 0.0,
        gpus=int(gpus.group(1)) if gpus else 0,
        gpu_share=max(busy) / 100 if busy else None,
    )


def seconds(text: str) -> float:
    """Seconds of Slurm's [days-]hours:minutes:seconds[.fraction]; 0 for none."""
    if not re.fullmatch(r"(\d+-)?[\d:.]+", text):
        return 0.0
    days, _, clock = text.rpartition("-")
    parts = [float(part) for part in clock.split(":")]
    return int(days or 0) * 86400 + sum(value * 60**power for power, value in enumerate(reversed(parts)))


def megabytes(text: str) -> float:
    """MB of Slurm's 62.50G, 400K or 4000Mn; 0 for none."""
    match = re.fullmatch(r"([\d.]+)([KMGT]?)[nc]?", text)
    return float(match[1]) * UNITS[match[2]] if match else 0.0


def table(found: list[Use]) -> str:
    """The jobs as text, those that asked for most GPU time first."""
    head = f"{'job':>8}  {'step':40}  {'CPUs':>10}  {'memory':>14}  {'time':>14}  {'GPUs':>9}  state"
    ordered = sorted(found, key=lambda use: (-use.gpus * use.time_share * use.minutes, -use.mem_mb, use.step))
    return "\n".join([head, *map(_line, ordered)])


def _line(use: Use) -> str:
    gpus = "-" if not use.gpus else f"{use.gpus}  {'?' if use.gpu_share is None else f'{use.gpu_share:.0%}'}"
    cpu, memory = f"{use.cpus:>4} {use.cpu_share:>5.0%}", f"{use.mem_mb:>8.0f} {use.mem_share:>5.0%}"
    time = f"{use.minutes:>6.0f} m {use.time_share:>5.0%}"
    return f"{use.job:>8}  {use.step[:40]:40}  {cpu}  {memory}  {time}  {gpus:>9}  {use.state}"


def report(name: str, file: Path, adopted: Iterable[str] = ()) -> str:
    """Write the table of a run's jobs (see `uses`) to a file; what to tell the user."""
    found = uses(name, adopted)
    if found is None:
        return "Slurm keeps no accounts here (no slurmdbd), so nothing is known of what the jobs used"
    if not found:
        return "no Slurm jobs in this run"
    text = table(found)
    write_text(file, text + "\n")
    rest = f"\n... {len(found) - 12} more" if len(found) > 12 else ""
    shown = "\n".join(text.splitlines()[:13]) + rest
    note = "" if any(use.gpu_share is not None for use in found) else "; ? is not measured here (AutoDetect=nvml would)"
    return f"Asked for, and the share that was used{note}\n{shown}\nAll of it: {file}"
