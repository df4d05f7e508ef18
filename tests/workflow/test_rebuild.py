"""Change one thing, rebuild one thing: on adapters trained for real, for two steps each."""

import json

import pytest
from checkout import copy_project

ADAPTERS = ("sft", "baseline", "medreason_embed")
TINY = """\
base: {tiny: {steps: 4}}
training:
  sft: {steps: 2}
  grpo: {steps: 2}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A project with three trained adapters."""
    project = copy_project(tmp_path_factory.mktemp("built"))
    (project.root / "tiny.yaml").write_text(TINY)
    run = project.snakemake(*ARGUMENTS, timeout=560)
    assert run.returncode == 0, run.stdout[-4000:]
    return project


ARGUMENTS = ("--profile", "profiles/demo", "--configfile", "config/demo.yaml", "tiny.yaml", "--", *ADAPTERS)


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
        ("tiny.yaml", "adapters: {baseline: {training: {learning_rate: 0.01}}}\n", {"baseline"}),
        ("scripts/train_adapter.py", "\n# edited\n", set(ADAPTERS)),
        ("README.md", "\nedited\n", set()),
        ("scripts/measure.py", "\n# edited\n", set()),
    ],
)
def test_an_edit_trains_exactly_the_adapters_it_touches(built, edited, name, line, expected):
    edited(name, line)
    assert built.trains(*ARGUMENTS) == expected


@pytest.mark.slow
def test_touching_files_without_changing_them_rebuilds_nothing(built):
    for name in ("README.md", "scripts/train_adapter.py", "config/prompts/reasoning.yaml"):
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
