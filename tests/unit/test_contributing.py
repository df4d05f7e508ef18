"""What CONTRIBUTING.md shows is done here, in a copy of the project: its files are written, its commands called."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from invented_guidelines import guidelines_of
from programs import HANGING
from test_build_dataset import build
from workflow.checkout import copy_project

from acrflow.config.roster import Model, Roster

ROOT = Path(__file__).resolve().parents[2]
ADDITIONS = ("A reward", "A base model", "A publisher", "A task", "A baseline")
PROJECT = ("scripts/", "config/", "rules/", "envs/", "profiles/", "docs/", "Snakefile")  # the rest is the user's own
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
REWARD = """
import json
from acrflow.rewards import load
reward = load("concise", {"words": 10}, {})
right = "<think>One two.</think><answer>Usually Appropriate</answer>"
said = [right, right.replace("Usually ", "Usually Not "), "<answer>Usually Appropriate</answer>"]
print(json.dumps(reward(said, appropriateness=["Usually Appropriate"] * 3)))
"""


@dataclass
class Block:
    """A fenced block: its language, the file that it names, its text."""

    language: str
    file: str
    text: str


def blocks(addition: str) -> list[Block]:
    """The blocks under a heading of CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition(f"\n### {addition}\n")[2]
    return [Block(*found) for found in BLOCK.findall(re.split(r"^##", text, maxsplit=1, flags=re.MULTILINE)[0])]


@dataclass
class House:
    """A copy of the project with one addition made."""

    root: Path
    commands: list[str]

    def __call__(self, *command: str | Path) -> str:
        """Run a command in the copy, with its library; what it printed."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = os.environ | {"PYTHONPATH": str(self.root / "scripts"), "PATH": path}
        where = {"cwd": self.root, "env": environment, "timeout": HANGING}
        done = subprocess.run(command, **where, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def shown(self, number: int, *more: str) -> str:
        """Call a command that the addition shows."""
        return self("bash", "-c", " ".join([self.commands[number], *more]))


def make(addition: str, root: Path) -> House:
    """Copy the project and do what CONTRIBUTING.md says."""
    copy_project(root)
    commands: list[str] = []
    for block in blocks(addition):
        path = root / block.file
        if block.language == "bash":
            commands += [line for line in block.text.replace("\\\n", " ").splitlines() if line]
        elif block.language == "diff":
            old, new = ("\n".join(re.findall(rf"^\{sign}(.*)$", block.text, re.MULTILINE)) for sign in "-+")
            before = path.read_text()
            assert before.count(old) == 1, f"{block.file} has no line {old}"
            path.write_text(before.replace(old, new))
        elif path.exists():
            path.write_text(f"{path.read_text()}\n\n{block.text}")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
    return House(root, commands)


@pytest.mark.parametrize("addition", ADDITIONS)
def test_an_addition_changes_at_most_two_files_of_the_project(addition: str) -> None:
    files = {block.file for block in blocks(addition) if block.file.startswith(PROJECT)}
    assert blocks(addition) and len(files) <= 2, files


def test_every_addition_that_is_described_is_tried() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## How to add")[2]
    assert tuple(re.findall(r"^### (.+)$", text, re.MULTILINE)) == ADDITIONS


def test_the_code_is_in_the_house_style(tmp_path: Path) -> None:
    """Formatted, and without names that are not there."""
    for addition in ADDITIONS:
        house = make(addition, tmp_path / addition.replace(" ", "_"))
        if written := [block.file for block in blocks(addition) if block.language == "python"]:
            house("ruff", "check", *written)
            house("ruff", "format", "--check", *written)


def test_a_reward_is_known_to_the_configuration_and_gives_values(tmp_path: Path) -> None:
    house = make("A reward", tmp_path / "house")
    assert json.loads(house("python", "-c", REWARD).splitlines()[-1]) == [0.8, 0.0, None]
    assert "Training adapter short" in house.shown(0)
    config = house.root / "concise.yaml"
    config.write_text(config.read_text().replace("words: 40", "words: 0"))
    with pytest.raises(AssertionError, match="words must be at least 1"):
        house.shown(0)
    house("python", "docs/generated.py")
    assert "`concise`" in (house.root / "README.md").read_text()


def test_an_adapter_of_another_base_is_trained_on_it_with_its_template(tmp_path: Path) -> None:
    shown = make("A base model", tmp_path / "house").shown(0, "--printshellcmds")
    training = shown[shown.index("Training adapter qwen") :]
    assert "--base Qwen/Qwen3-0.6B" in training and '"enable_thinking": false' in training


def test_the_documents_of_a_publisher_are_read_and_planned(tmp_path: Path) -> None:
    house = make("A publisher", tmp_path / "house")
    assert "rust: 1 variants, 2 rows, 2 with reasoning" in house.shown(0)
    parsed = json.loads((house.root / "rust.json").read_text())
    assert [row["category"] for row in parsed["variants"][0]["rows"]] == [
        "Usually Appropriate",
        "Usually Not Appropriate",
    ]
    assert "Reading the guideline on rust" in house.shown(1)
    (house.root / "leaflets/rust/leaflet.csv").write_text("nothing\n")
    with pytest.raises(AssertionError, match="line 1: no leaflet"):
        house.shown(1)


def baselines(house: House, data: Path, names: list[str], *task: str) -> dict[str, float]:
    """Train baselines and measure them with the copy's programs: the figures of the first on the test split."""
    rows = ["--rows", data / "test.parquet"]
    outputs = ["--out", data / "predictions", "--splits", data / "splits.parquet", "--ledger", data / "ledger.json"]
    shared = ["--train", data / "train.parquet", "--embedder", "bundled", "--bootstrap", "20", "--seed", "7"]
    house("python", "scripts/predictions/run_baselines.py", *task, "--baselines", *names, *shared, *rows, *outputs)
    roster = Roster(run="r", models=[Model(name=name, kind="baseline") for name in names])
    (data / "roster.json").write_text(roster.model_dump_json())
    measured = ["--roster", data / "roster.json", "--predictions", data / "predictions", "--examples", data]
    house("python", "scripts/evaluation/measure.py", *task, *rows, *measured, "--bootstrap", "20", "--out", data)
    figures = json.loads((data / f"{names[0]}.test.json").read_text())["figures"]
    return {name: figure["value"] for name, figure in figures.items()}


def test_a_task_has_rows_predictions_and_metrics_of_its_own(tmp_path: Path) -> None:
    house, data = make("A task", tmp_path / "house"), tmp_path / "data"
    data.mkdir()
    assert build(data, guidelines_of(topics=4)) == 0
    inputs = [f"--{name}={data / name}.parquet" for name in ("guidelines", "traces", "pmids", "condensed")]
    outputs = [f"--{name}={data / name}.parquet" for name in ("train", "test")]
    outputs += [f"--generalization-out={data / 'held.parquet'}", f"--leaks={data / 'leaks.json'}"]
    settings = ["--seed=7", "--evidence-tokens=100", f"--tokenizer={data / 'base'}", f"--ledger={data / 'rows.json'}"]
    task = "--task=worthwhile"
    house("python", "scripts/dataset/build_dataset.py", task, *inputs, *outputs, *settings)
    assert set(pl.read_parquet(data / "train.parquet")["worthwhile"]) == {"no", "yes"}
    figures = baselines(house, data, ["majority_procedure", "tfidf_logreg"], task)
    assert figures["macro_f1"] > 0.9 and figures.keys() >= {"f1_no", "f1_yes", "unsafe_no"}


def test_a_run_of_a_task_takes_the_prompts_of_its_own_folder(tmp_path: Path) -> None:
    house = make("A task", tmp_path / "house")
    own = tmp_path / "mine"
    (own / "config/prompts").mkdir(parents=True)
    (own / "config/prompts/label.yaml").write_text((ROOT / "config/prompts/label.yaml").read_text())
    elsewhere = f"--snakefile {house.root}/Snakefile --directory {own} --printshellcmds"
    shown = house.shown(0, elsewhere)
    assert "--task worthwhile" in shown
    assert re.search(r"--prompt config/prompts/label\.yaml", shown)
    assert f"--prompt {house.root}/config/prompts/reasoning.yaml" in shown


def test_a_baseline_predicts_and_is_planned(tmp_path: Path) -> None:
    house, data = make("A baseline", tmp_path / "house"), tmp_path / "data"
    data.mkdir()
    assert build(data, guidelines_of(topics=4)) == 0
    assert baselines(house, data, ["naive_bayes"])["macro_f1"] > 0.5
    assert "--baselines majority majority_procedure nearest_neighbour naive_bayes" in house.shown(0, "--printshellcmds")
