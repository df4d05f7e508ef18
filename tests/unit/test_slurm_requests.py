"""What is asked of Slurm: the table's numbers in the site's words."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from acrflow.cluster import site as sites
from acrflow.cluster.requests import requests
from acrflow.cluster.site import Site
from acrflow.config import configuration
from acrflow.config.resources import Needs, Resources
from acrflow.io.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
TRAINING = Needs(cpus=8, mem_mb=64_000, minutes=720, gpus=1)


def asked(needs: Needs, site: Site | None, attempt: int = 1, **options: Any) -> dict[str, Any]:
    """The resources with their functions called."""
    wanted = requests(needs, site, **options)
    return {name: value(None, attempt) if callable(value) else value for name, value in wanted.items()}


def test_training_asks_for_the_gpu_of_the_site() -> None:
    site = Site(account="lab", gpu_partition="hopper")
    wanted = asked(TRAINING, site, survives=True)
    assert wanted == {
        "mem_mb": 64_000,
        "runtime": 720,
        "cpus_per_task": 8,
        "slurm_partition": "hopper",
        "slurm_account": "lab",
        "gres": "gpu:h100:1",
        "slurm_extra": "--signal=TERM@600 --open-mode=append",
    }


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        (Site(gpu_type=None), {"gres": "gpu:1"}),
        (Site(gpu_request="gpus"), {"gpu": 1, "gpu_model": "h100"}),
        (Site(gpu_request="gpus", gpu_type=None), {"gpu": 1}),
    ],
)
def test_gpus_are_asked_for_as_the_site_wants(site: Site, expected: dict[str, Any]) -> None:
    wanted = asked(TRAINING, site)
    assert {name: wanted[name] for name in ("gres", "gpu", "gpu_model") if name in wanted} == expected


def test_data_steps_go_to_the_cpu_partition_without_gpu() -> None:
    wanted = asked(Needs(), Site(cpu_partition="serial"))
    assert wanted["slurm_partition"] == "serial"
    assert not {"gres", "gpu", "slurm_account", "slurm_extra"} & wanted.keys()


def test_memory_and_time_grow_with_retries_up_to_the_longest_job() -> None:
    site = Site(longest_minutes=1000)
    assert [asked(TRAINING, site, attempt)["mem_mb"] for attempt in (1, 2, 3)] == [64_000, 128_000, 192_000]
    assert [asked(TRAINING, site, attempt)["runtime"] for attempt in (1, 2, 3)] == [720, 1000, 1000]


def test_several_nodes_are_asked_for_in_a_way_that_lets_the_job_use_them() -> None:
    needs = Needs(cpus=64, mem_mb=500_000, gpus=8, nodes=2)
    wanted = asked(needs, Site())
    assert (wanted["nodes"], wanted["mpi"], wanted["tasks_per_node"], wanted["cpus_per_task"]) == (2, "srun", 8, 8)
    assert wanted["gres"] == "gpu:h100:8"
    assert asked(needs, Site(gpu_request="gpus"))["gpu"] == 16


def test_a_single_machine_only_counts() -> None:
    assert asked(TRAINING, None) == {"mem_mb": 64_000, "runtime": 720, "cpus_per_task": 8, "gpu": 1}


def test_a_configuration_changes_a_part_of_a_line_and_an_adapter_its_own() -> None:
    values = {
        "resources": {"train_adapter": {"minutes": 90}},
        "adapters": {"wide": {"method": "sft", "resources": {"gpus": 8, "nodes": 2}}, "plain": {"method": "sft"}},
    }
    loaded = configuration.load(values, "test")
    assert loaded.training_needs("plain") == TRAINING.model_copy(update={"minutes": 90})
    assert loaded.training_needs("wide") == TRAINING.model_copy(update={"minutes": 90, "gpus": 8, "nodes": 2})


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"resources": {"trian_adapter": {"gpus": 1}}}, "resources.trian_adapter: unknown key"),
        ({"resources": {"predict": {"mem": 1}}}, "resources.predict.mem: unknown key"),
        ({"adapters": {"a": {"method": "sft", "resources": {"gpu": 8}}}}, "adapters.a.resources: gpu: unknown key"),
        ({"resources": {"train_adapter": {"gpus": 4, "server_gpus": 4}}}, "server_gpus leaves no GPU"),
        ({"adapters": {"a": {"method": "sft", "resources": {"gpus": 8, "server_gpus": 4}}}}, "rollouts: vllm_server"),
    ],
)
def test_a_mistyped_request_is_an_error(values: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        configuration.load(values, "test")


def test_the_shipped_site_file_is_the_default() -> None:
    assert sites.load(ROOT / sites.DEFAULT) == Site()


def test_every_key_of_a_site_is_explained_in_the_manual() -> None:
    text = (ROOT / "docs/cluster.md").read_text()
    assert [key for key in Site.model_fields if f"`{key}`" not in text] == []


@pytest.mark.parametrize(
    ("text", "named"),
    [("acount: lab", "acount: unknown key"), ("gpu_request: both", "gpu_request"), ("a: [", "not YAML")],
)
def test_a_wrong_site_file_is_refused(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "site.yaml").write_text(text)
    with pytest.raises(InputError, match=f"site.yaml.*{named}"):
        sites.load(tmp_path / "site.yaml")


def test_a_single_machine_has_no_site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(sites.VARIABLE, raising=False)
    assert sites.current() is None
    (tmp_path / "ours.yaml").write_text(yaml.safe_dump({"cpu_partition": "batch"}))
    monkeypatch.setenv(sites.VARIABLE, str(tmp_path / "ours.yaml"))
    assert sites.current() == Site(cpu_partition="batch")


def test_the_table_has_a_line_for_every_rule() -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    blocks = re.split(r"^ *rule (?=\w+:$)", text, flags=re.MULTILINE)[1:]
    rules = {block.partition(":")[0] for block in blocks if "shell:" in block}  # the others are targets
    assert len(rules) > 15
    assert sorted(rules - Resources.model_fields.keys()) == []


def test_what_a_site_puts_before_every_command_is_a_shell_line(tmp_path: Path) -> None:
    site = Site(scratch=str(tmp_path), setup='WHERE="${HOME}"; export WHERE', offline=True)
    prefix = site.prefix.replace("{{", "{").replace("}}", "}")  # as Snakemake formats it
    command = f"{prefix}echo $TMPDIR $WHERE $HF_HUB_OFFLINE"
    variables = {"HOME": "/nowhere", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", "-euc", command], env=variables, capture_output=True, text=True)
    assert done.stdout.split() == [str(tmp_path), "/nowhere", "1"], done.stderr
    elsewhere = Site(scratch="/not/here").prefix + "echo ${TMPDIR:-unset}"
    assert subprocess.run(["bash", "-euc", elsewhere], env={}, capture_output=True, text=True).stdout == "unset\n"
