"""Change one thing, rebuild one thing: the table for every module, and Snakemake on adapters trained for real."""

import ast
import json
import re
import shutil
from collections.abc import Callable, Iterator

import pytest
import rebuilds
from checkout import Project, copy_project

from acrflow.io import code

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
EDIT = "\n_EDITED = 1\n"


def rerun(before: dict[str, dict[str, str]]) -> list[str]:
    """The rules whose code is not what it was."""
    after = rebuilds.code_by_rule(rebuilds.declared())
    return rebuilds.minimal([rule for rule, parts in after.items() if parts != before[rule]])


def test_every_module_rebuilds_what_the_table_says_and_a_comment_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each module in turn is read as if a line of code stood at its end, and as if a comment did."""
    read, before = code._read, rebuilds.code_by_rule(rebuilds.declared())
    parsed, wrong = ast.parse, {}
    held = rebuilds.read()
    for module, path in rebuilds.modules().items():
        for line, expected in ((EDIT, held.get(module, [])), ("\n# a comment\n", [])):
            monkeypatch.setattr(ast, "parse", lambda text, *rest, line=line: parsed(text + line.encode(), *rest))
            edited = read.__wrapped__(path)
            monkeypatch.setattr(ast, "parse", parsed)
            monkeypatch.setattr(code, "_read", lambda file, path=path, new=edited: new if file == path else read(file))
            if (found := rerun(before)) != expected:
                wrong[module, line] = found
            monkeypatch.setattr(code, "_read", read)
    assert wrong == {}, "if that is meant: python tests/workflow/rebuilds.py"


def test_the_table_has_every_rule_that_runs_a_program() -> None:
    programs = {path.relative_to(code.PROGRAMS).as_posix() for path in code.PROGRAMS.glob("*/*.py")}
    programs -= {name for name in programs if name.startswith("acrflow/")} | {"adapters/launch.py"}
    declared = rebuilds.declared()
    assert {file for rule, (files, _) in declared.items() for file in files if "(" not in rule} >= programs
    assert {"predict_with", "fetch_found", "condense_found"} <= declared.keys()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with three trained adapters."""
    project = copy_project(tmp_path_factory.mktemp("built"))
    (project.root / "short.yaml").write_text(SHORT)
    base = project.snakemake("--profile", "profiles/demo", "--config", "base={tiny: {steps: 4}}", "--", BASE)
    assert base.returncode == 0, base.stdout[-4000:]
    shutil.copytree(project.root / BASE, project.root / "tiny_base")
    run = project.snakemake(*ARGUMENTS, timeout=1800)
    assert run.returncode == 0, run.stdout[-4000:]
    return project


@pytest.fixture
def edited(built: Project) -> Iterator[Callable[[str, str], None]]:
    """Append a line to a file of the project; taken back after the test."""
    before = {}

    def append(name: str, line: str) -> None:
        path = built.root / name
        before[path] = path.read_text()
        path.write_text(before[path] + line)

    yield append
    for path, text in before.items():
        path.write_text(text)


TRAINED = {f"Training adapter {name}" for name in ADAPTERS}
CARDS = {f"Writing the card of adapter {name}" for name in ADAPTERS}


def of(*adapters: str) -> set[str]:
    return {f"{what} adapter {name}" for name in adapters for what in ("Training", "Writing the card of")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        ("scripts/acrflow/rewards/answer.py", EDIT, of("baseline")),
        ("scripts/acrflow/rewards/reasoning_embedding.py", EDIT, of("medreason_embed")),
        ("scripts/acrflow/rewards/format.py", EDIT, of("baseline", "medreason_embed")),
        ("scripts/acrflow/rewards/format.py", "\n# a comment\n", set()),
        ("scripts/acrflow/training/grpo.py", "\n# a comment\n", set()),
        ("scripts/acrflow/training/grpo.py", EDIT, of(*ADAPTERS)),
        ("scripts/adapters/train_adapter.py", EDIT, of(*ADAPTERS)),
        ("scripts/adapters/launch.py", EDIT, set()),
        ("scripts/acrflow/training/callbacks.py", EDIT, set()),
        ("scripts/acrflow/cluster/locks.py", EDIT, set()),
        ("scripts/acrflow/schemas/training.py", EDIT, CARDS),
        ("scripts/acrflow/report/adapter_card.py", EDIT, CARDS),
        ("config/prompts/label.yaml", "\n# edited\n", {"Rendering the examples label", *of("sft")}),
        ("short.yaml", "adapters: {baseline: {training: {learning_rate: 0.01}}}\n", of("baseline")),
        ("README.md", "\nedited\n", set()),
        ("scripts/evaluation/measure.py", EDIT, set()),
    ],
)
def test_an_edit_rebuilds_exactly_what_it_touches(built, edited, name, line, expected) -> None:
    edited(name, line)
    assert set(built.planned(*ARGUMENTS)) == expected


@pytest.mark.slow
def test_the_reason_names_the_module(built, edited) -> None:
    edited("scripts/acrflow/rewards/answer.py", EDIT)
    run = built.snakemake("--cores", "1", *ARGUMENTS[2:7], "--dry-run", *ARGUMENTS[7:])
    assert re.search(r"Params have changed.*rewards\.answer:\w{12}", run.stdout), run.stdout


@pytest.mark.slow
def test_touching_files_without_changing_them_rebuilds_nothing(built) -> None:
    for name in ("README.md", "scripts/adapters/train_adapter.py", "config/prompts/reasoning.yaml"):
        (built.root / name).touch()
    assert built.planned(*ARGUMENTS) == []


@pytest.mark.slow
def test_an_adapter_has_weights_and_recipe_and_beside_them_log_and_card(built) -> None:
    for adapter in ADAPTERS:
        folder = built.root / "results/demo/adapters" / adapter
        names = {path.name for path in folder.iterdir()}
        assert names >= {"adapter_model.safetensors", "adapter_config.json", "recipe.json", "trainer_state.json"}
        assert json.loads((folder / "recipe.json").read_text())["adapter"] == adapter
        assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl"))]
        written = {path.name for path in (built.root / "results/demo/training" / adapter).iterdir()}
        sampled = set() if adapter == "sft" else {"completions.parquet"}
        assert written - {".snakemake_timestamp"} == {"README.md", "training_log.parquet"} | sampled
