"""Is everything in order for a run on this machine or cluster? Each answer with a remedy where it is no."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from acrflow.cluster.commands import call, lines, settings
from acrflow.cluster.efficiency import seconds
from acrflow.cluster.preflight import refused
from acrflow.cluster.requests import requests
from acrflow.cluster.site import Site
from acrflow.config.configuration import Config
from acrflow.config.resources import Needs
from acrflow.io.shipped import shipped

PROGRAMS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo", "sacct", "sacctmgr")


@dataclass(frozen=True)
class Answer:
    """One line of the doctor's: what was looked at, whether it is in order (None: cannot be told), and the remedy."""

    what: str
    well: bool | None
    found: str
    remedy: str = ""


def on_slurm(config: Config, site: Site) -> Iterator[Answer]:
    """Everything that a run on a cluster rests on."""
    yield from programs()
    if not shutil.which("sbatch"):
        return
    known = settings()
    remedy = "is this a submit host? `scontrol ping` says which controller does not answer"
    yield Answer("controller", bool(known), known.get("SlurmctldHost[0]", "does not answer"), remedy)
    if not known:
        return
    yield accounts(known)
    yield requeue(known)
    yield from partitions(site)
    yield from asked(config, site)
    yield shared(config, site)
    yield from models(config)


def on_one_machine(config: Config) -> Iterator[Answer]:
    """What a run on a machine of one's own rests on."""
    gpus = lines("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader") or []
    wants = [name for name in config.adapters if config.training_needs(name).gpus]
    remedy = "install the NVIDIA driver, or try the demo: make demo"
    yield Answer("GPUs", bool(gpus) or not wants, "; ".join(gpus) or "none", remedy)
    yield from models(config)


def programs() -> Iterator[Answer]:
    """Slurm's programs, Snakemake and its plugins in the pinned versions, the profile's link."""
    absent = [name for name in PROGRAMS if not shutil.which(name)]
    found = f"{', '.join(absent)} missing" if absent else " ".join(lines("sinfo", "--version") or ["?"])
    yield Answer("Slurm", not absent, found, "log in to a submit host, or load the module that brings Slurm's commands")
    pins = shipped("envs/slurm.txt").read_text(encoding="utf-8")
    for name, pinned in re.findall(r"^([\w-]+)==(\S+)", pins, re.MULTILINE):
        try:
            installed = version(name)
        except PackageNotFoundError:
            installed = "missing"
        yield Answer(name, installed == pinned, installed, f"make install (pinned is {pinned})")
    link = Path("slurm")
    remedy = f"in this folder: ln -sfn {shipped('profiles/slurm')} slurm"
    yield Answer("--profile slurm", (link / "config.yaml").is_file(), f"./slurm -> {link.resolve()}", remedy)


def accounts(known: dict[str, str]) -> Answer:
    """How the state of a job is asked for, and whether it is kept long enough."""
    if known.get("AccountingStorageType", "").endswith("slurmdbd"):
        return Answer("states of jobs", True, "sacct (slurmdbd)")
    age = int((re.findall(r"\d+", known.get("MinJobAge", "0")) or ["0"])[0])
    found = f"squeue (no slurmdbd); ended jobs are kept for {age} s"
    return Answer("states of jobs", age >= 120, found, "ask for MinJobAge of 300 s or more in slurm.conf")


def requeue(known: dict[str, str]) -> Answer:
    """Whether a training may go back to the queue, and how long it has when it is preempted."""
    allowed = known.get("JobRequeue", "1") == "1"
    found = f"JobRequeue={known.get('JobRequeue')}, KillWait={known.get('KillWait')}"
    return Answer(
        "requeue", allowed, found, "without JobRequeue=1 a training that is stopped uses up a retry each time"
    )


def partitions(site: Site) -> Iterator[Answer]:
    """Every partition of the site file: there, up, with the GPUs, and for how long."""
    names = {site.cpu_partition: "", site.gpu_partition: f"gpu:{site.gpu_type or ''}"}
    if site.network_partition:
        names.setdefault(site.network_partition, "")
    for name in [one for key in names for one in key.split(",")]:
        rows = [line.split("|") for line in lines("sinfo", "-h", "-p", name, "-o", "%a|%l|%D|%G") or []]
        gres = next((wanted for key, wanted in names.items() if name in key.split(",")), "")
        well = any(row[0] == "up" and gres in row[3] for row in rows)
        found = "; ".join(f"{row[0]}, {row[2]} nodes, {row[3]}, at most {row[1]}" for row in rows) or "not there"
        there = ", ".join(sorted(set(lines("sinfo", "-h", "-o", "%R (%G)") or [])))
        yield Answer(f"partition {name}", well, found, f"mend the site file; there are: {there}")
        shorter = [row[1] for row in rows if 0 < seconds(row[1]) < 60 * site.longest_minutes]
        if shorter:
            limit = int(seconds(shorter[0]) / 60)
            remedy = f"set longest_minutes to {limit} or less"
            yield Answer(f"time limit of {name}", False, f"{limit} min < {site.longest_minutes}", remedy)


def asked(config: Config, site: Site) -> Iterator[Answer]:
    """Would Slurm take each different request of the table? `sbatch --test-only` queues nothing."""
    wanted: dict[tuple[str, ...], list[str]] = {}
    table = {rule: config.resources.of(rule) for rule in type(config.resources).model_fields if rule != "train_adapter"}
    for name, needs in {**table, **{name: config.training_needs(name) for name in config.adapters}}.items():
        if not needs.local:
            wanted.setdefault(request(needs, site), []).append(name)
    for options, names in wanted.items():
        done = call("sbatch", "--test-only", *options, "--wrap", "true", seconds=30)
        who = f"request of {', '.join(names[:3])}{' ...' if len(names) > 3 else ''}"
        if done.returncode == 0:
            yield Answer(who, True, " ".join(options))
        else:
            error = refused(names[0], " ".join(options), done.stderr, site)
            yield Answer(who, False, f"{' '.join(options)}: {error.what.splitlines()[0]}", error.remedy)


def request(needs: Needs, site: Site) -> tuple[str, ...]:
    """The options of sbatch for what a rule needs, first try."""
    values = {name: one(None, 1) if callable(one) else one for name, one in requests(needs, site).items()}
    model = f"{values['gpu_model']}:" if "gpu_model" in values else ""
    options = {
        "-p": values["slurm_partition"],
        "-A": values.get("slurm_account"),
        "--qos": values.get("qos"),
        "--cpus-per-task": values["cpus_per_task"],
        "--mem": values["mem_mb"],
        "-t": values["runtime"],
        "--gres": values.get("gres"),
        "--gpus": f"{model}{values['gpu']}" if "gpu" in values else None,
        "--nodes": values.get("nodes"),
        "--ntasks-per-node": values.get("tasks_per_node"),
    }
    pairs = [(name, str(value)) for name, value in options.items() if value is not None]
    return tuple(f"{name}={value}" if name.startswith("--") else f"{name}{value}" for name, value in pairs)


def shared(config: Config, site: Site) -> Answer:
    """Does a file that a node writes show up here?"""
    Path(config.results).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=config.results, prefix=".doctor-") as folder:
        seen = Path(folder).absolute() / "seen"
        account = ["-A", site.account] if site.account else []
        scratch = f" && test -w {site.scratch}" if site.scratch else ""
        node = ["srun", "-p", site.cpu_partition, *account, "-n1", "-t", "1", "--immediate=20"]
        done = call(*node, "sh", "-c", f"hostname > {seen}{scratch}", seconds=60)
        if done.returncode and "immediate" in done.stderr.lower() + done.stdout.lower():
            return Answer("shared file system", None, "no node was free within 20 s", "run the doctor again later")
        written = seen.read_text().strip() if seen.exists() else ""
        found = (
            f"{written} writes to {config.results}" if written else (done.stderr.strip() or "a node's file is not seen")
        )
        remedy = "put the project (or `results`) on a file system that all nodes mount, and see that `scratch` is there"
        return Answer("shared file system", bool(written) and done.returncode == 0, found, remedy)


def models(config: Config) -> Iterator[Answer]:
    """Every model that the run loads: a folder, or in the hub's cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    named = {config.base.model: config.base.revision, config.models.embedder: None}  # baselines and metrics embed too
    for recipe in map(config.recipe, config.trained()):
        named |= {recipe.base.model: recipe.base.revision}
        named |= dict.fromkeys(one for one in (recipe.models.embedder, recipe.models.judge) if one)
    named |= dict.fromkeys([one for one in (config.models.evaluation_judge, config.models.entities) if one], None)
    for name, revision in named.items():
        if name in ("tiny", "base", "bundled", "gazetteer"):
            continue
        if Path(name).is_dir():
            yield Answer(f"model {name}", (Path(name) / "config.json").is_file(), "folder", "it holds no config.json")
            continue
        try:
            where = snapshot_download(name, revision=revision, local_files_only=True)
            whole = any(Path(where).glob("*.safetensors"))
            yield Answer(f"model {name}", whole, where, f"hf download {name}: no weights (safetensors) are there")
        except (LocalEntryNotFoundError, OSError, ValueError):
            cache = os.environ.get("HF_HOME", "~/.cache/huggingface")
            yield Answer(
                f"model {name}", False, f"not in {cache}", f"hf download {name}  (once, where there is network)"
            )
