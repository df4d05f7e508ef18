"""Change one thing, rebuild one thing: on adapters trained for real, for two steps each."""

import json
import shutil

import pytest
from checkout import copy_project

ADAPTERS = ("sft", "baseline", "medreason_embed")
BASE = "results/demo/models/base"
SHORT = """\
training:
  sft: {steps: 2}
  grpo: {steps: 2}
"""
# A base that is a folder, as on a cluster: the demo's own base is taught from the prompts and would follow every edit.
ARGUMENTS = (
    *("--profile", "profiles/demo", "--configfile", "config/demo.yaml", "short.yaml"),
    *("--config", "base={model: tiny_base}", "--", *ADAPTERS),
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A project with three trained adapters."""
    project = copy_project(tmp_path_factory.mktemp("built"))
    (project.root / "short.yaml").write_text(SHORT)
    made = project.snakemake("--profile", "profiles/demo", "--config", "base={tiny: {steps: 4}}", "--", BASE)
    assert made.returncode == 0, made.stdout[-4000:]
    shutil.copytree(project.root / BASE, project.root / "tiny_base")
    run = project.snakemake(*ARGUMENTS)
    assert run.returncode == 0, run.stdout[-4000:]
    return project


@pytest.fixture
def edited(built):
    """Append a line to a file of the project; taken back after the test."""
    before = {}

    def append(name: str, line: str) -> None:
        path = built.root / name
        before[path] = path.read_text()
        path.write_text(before[path] + line)

    yield append
    for path, text in before.items():
        path.write_text(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        ("scripts/acrflow/rewards/answer.py", "\n# edited\n", {"baseline"}),
        ("scripts/acrflow/rewards/reasoning_embedding.py", "\n# edited\n", {"medreason_embed"}),
        ("scripts/acrflow/rewards/format.py", "\n# edited\n", {"baseline", "medreason_embed"}),
        ("config/prompts/label.yaml", "\n# edited\n", {"sft"}),
        ("short.yaml", "adapters: {baseline: {training: {learning_rate: 0.01}}}\n", {"baseline"}),
        ("scripts/adapters/train_adapter.py", "\n# edited\n", set(ADAPTERS)),
        ("README.md", "\nedited\n", set()),
        ("scripts/evaluation/measure.py", "\n# edited\n", set()),
    ],
)
def test_an_edit_trains_exactly_the_adapters_it_touches(built, edited, name, line, expected):
    edited(name, line)
    assert built.trains(*ARGUMENTS) == expected


@pytest.mark.slow
def test_touching_files_without_changing_them_rebuilds_nothing(built):
    for name in ("README.md", "scripts/adapters/train_adapter.py", "config/prompts/reasoning.yaml"):
        (built.root / name).touch()
    assert built.trains(*ARGUMENTS) == set()


@pytest.mark.slow
def test_an_adapter_folder_holds_weights_recipe_log_and_card(built):
    for adapter in ADAPTERS:
        folder = built.root / "results/demo/adapters" / adapter
        names = {path.name for path in folder.iterdir()}
        assert names >= {
            "adapter_model.safetensors",
            "adapter_config.json",
            "training_log.parquet",
            "spec.json",
            "README.md",
        }
        assert json.loads((folder / "spec.json").read_text())["adapter"] == adapter
        assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl"))]
