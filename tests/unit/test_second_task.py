"""A second task (tests/tasks/multiple_choice.py) runs from rows to comparison, with no edit outside its own file."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from invented_guidelines import condensed_of, guidelines_of, pmids_of
from tasks.multiple_choice import TASK
from test_build_dataset import program
from tiny_training import GRPO, SFT

from acrflow import rewards, schemas, tasks
from acrflow.config import configuration
from acrflow.config.evaluation import BASELINES
from acrflow.config.roster import roster
from acrflow.evaluation import metrics
from acrflow.io.errors import InputError
from acrflow.io.files import write_text
from acrflow.schemas.dataset import Rows, examples_table, rows_table
from acrflow.schemas.evaluation import Comparison, SplitFigures
from acrflow.schemas.evidence import Condensed, Pmids
from acrflow.schemas.guideline import Guidelines
from acrflow.schemas.inference import Predictions
from acrflow.service import recommend
from acrflow.tasks import completion

NAME = "tasks.multiple_choice:TASK"
PROMPTS = {
    "label": "system: Choose. <answer>letter</answer>\nuser: '{variant} {options}'\n",
    "reasoning": "system: Choose. <think>why</think><answer>letter</answer>\nuser: '{variant} {options}'\n",
}
ADAPTERS = ("sft", "letters")
MODELS = (*ADAPTERS, "base")
SETTINGS = {
    "run": "second",
    "task": NAME,
    "base": {"model": "tiny", "dtype": "float32", "quantization": "none"},
    "models": {"embedder": "bundled"},
    "training": {
        "sft": {**SFT, "steps": 2, "prompts": "balanced"},
        "grpo": {**GRPO, "steps": 2, "completion_tokens": 16},
    },
    "adapters": {
        "sft": {"method": "sft"},
        "letters": {
            "method": "grpo",
            "rewards": {
                "answer": {"options": {"class_weights": "balanced"}},
                **dict.fromkeys(("format", "cosine_length", "reasoning_embedding"), 1.0),
            },
        },
    },
}


class Run:
    """A run's folder, and its programs with their options as keywords."""

    def __init__(self, results: Path):
        self.config = configuration.load({**SETTINGS, "results": str(results)}, "test")
        self.at = results / self.config.run

    def __call__(self, name: str, /, *more: str | Path, task: str | None = NAME, **options: Any) -> None:
        arguments = [*more, *([f"--task={task}"] if task else [])]
        for option, value in options.items():
            values = value if isinstance(value, list | tuple) else [value]
            arguments += [f"--{option.replace('_', '-')}", *map(str, values)]
        assert program(name, *arguments) == 0, name

    def files(self, pattern: str) -> list[Path]:
        return sorted(self.at.glob(pattern))


pytestmark = pytest.mark.slow  # a whole run, its training of two steps included


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Every step of a run of the second task, each by its own program."""
    run = Run(tmp_path_factory.mktemp("results"))
    write_text(run.at / "roster.json", roster(run.config).model_dump_json())
    _dataset(run)
    _models(run)
    _evaluation(run)
    return run


def _dataset(run: Run) -> None:
    at = run.at
    tables = {"guidelines": (Guidelines, guidelines_of(topics=5)), "pmids": (Pmids, pmids_of(5))}
    for name, (table, frame) in {**tables, "condensed": (Condensed, condensed_of(5))}.items():
        schemas.write(table, frame, at / f"{name}.parquet")
    for name, text in PROMPTS.items():
        (at / f"{name}.yaml").write_text(text)
    given = {name: at / f"{name}.parquet" for name in ("guidelines", "traces", "condensed")}
    tiny = {
        "prompts": run.files("*.yaml"),
        "settings": json.dumps({"vocabulary": 500, "hidden": 32, "layers": 1, "steps": 20, "batch": 8}),
    }
    run("extract_traces", task=None, guidelines=given["guidelines"], out=given["traces"], ledger=at / "traces.json")
    run("make_tiny_tokenizer", **given, **tiny, seed=1, out=at / "tokenizer")
    parts = {name: at / f"rows/{name.split('_')[0]}.parquet" for name in ("train", "test", "generalization_out")}
    run(
        "build_dataset", **given, **parts, pmids=at / "pmids.parquet", tokenizer=at / "tokenizer", evidence_tokens=100,
        seed=7, generalization="topic_4", leaks=at / "leaks.json", ledger=at / "build_dataset.json",
    )  # fmt: skip
    base = at / "models/base"
    run("make_tiny_base", rows=parts["train"], tokenizer=at / "tokenizer", **tiny, seed=1, out=base)
    for prompt in PROMPTS:
        run(
            "render_examples", rows=list(parts.values()), prompt=at / f"{prompt}.yaml", tokenizer=base,
            max_tokens=2000, out=[at / f"examples/{prompt}.{path.name}" for path in parts.values()],
            ledger=[at / f"{prompt}.{path.stem}.json" for path in parts.values()],
        )  # fmt: skip


def _models(run: Run) -> None:
    at = run.at
    splits = run.files("rows/[!t]*.parquet") + run.files("rows/test.parquet")
    run(
        "run_baselines", baselines=BASELINES, train=at / "rows/train.parquet", rows=splits, embedder="bundled", seed=7,
        bootstrap=20, out=at / "predictions", splits=at / "splits.parquet", ledger=at / "run_baselines.json",
    )  # fmt: skip
    for adapter in ADAPTERS:
        recipe, out, ledger = run.config.recipe(adapter), at / "adapters" / adapter, at / f"{adapter}.json"
        run(
            "train_adapter", task=None, recipe=recipe.model_dump_json(), base=at / "models/base", out=out,
            examples=at / f"examples/{recipe.prompt}.train.parquet", checkpoints=at / "checkpoints" / adapter,
            ledger=ledger,
        )  # fmt: skip
        run("write_adapter_card", task=None, adapter=out, ledger=ledger, out=at / "training" / adapter)
    run(
        "predict", roster=at / "roster.json", models=MODELS, adapters=at / "adapters", examples=at / "examples",
        splits=["test", "generalization"], cache=at / "cache", out=at / "predictions",
    )  # fmt: skip


def _evaluation(run: Run) -> None:
    at = run.at
    splits = [at / f"rows/{split}.parquet" for split in ("test", "generalization")]
    roster = at / "roster.json"
    answered = {"roster": roster, "predictions": at / "predictions", "rows": splits, "examples": at / "examples"}
    run(
        "score_reasoning", **answered, terms=splits, embedder="bundled", base=at / "models/base", entities="gazetteer",
        out=at / "reasoning.parquet", ledger=at / "score_reasoning.json",
    )  # fmt: skip
    run("measure", **answered, bootstrap=20, reasoning=at / "reasoning.parquet", out=at / "metrics")
    run("compare_evidence", **answered, others=at, bootstrap=20, out=at / "effects.parquet")
    compared = {
        "metrics": run.files("metrics/*.json"),
        "predictions": run.files("predictions/*/*.greedy.parquet"),
        "rows": splits,
        "roster": roster,
        "effects": at / "effects.parquet",
        "pairs": at / "pairs.parquet",
    }
    trainings = run.files("training/*")
    run(
        "compare_all",
        **compared,
        trainings=trainings,
        bootstrap=20,
        tables=at / "tables",
        out=at / "comparison.parquet",
    )
    described = {"leaks": at / "leaks.json", "ledgers": [at / "build_dataset.json"]}
    run(
        "write_card", **described, name="second", rows=run.files("rows/*.parquet"), sources=at / "guidelines.parquet",
        examples=run.files("examples/*.parquet"), baselines=at / "splits.parquet", figures=at / "figures",
        croissant=at / "croissant.json", out=at / "card.md",
    )  # fmt: skip
    run(
        "write_report", **compared, **described, run="second", config_json="{}", comparison=at / "comparison.parquet",
        adapters=run.files("adapters/*"), trainings=at / "training",
        card=at / "card.md", train=at / "rows/train.parquet", pmids=at / "pmids.parquet",
        condensed=at / "condensed.parquet", figures=at / "report", out=at / "report/index.html",
    )  # fmt: skip


def test_its_rows_have_its_own_columns_and_every_label_in_training_and_test(run: Run) -> None:
    for split in ("train", "test"):
        rows = schemas.read(rows_table(TASK), run.at / f"rows/{split}.parquet")
        assert rows.columns[:5] == ["id", "topic", "variant", "options", "answer"] and "votes" not in rows.columns
        assert set(rows["answer"]) == set(TASK.labels)
    assert json.loads((run.at / "leaks.json").read_text())["train"]["labels"].keys() == set(TASK.labels)


def test_its_examples_carry_its_gold_and_the_completion_answers_with_it(run: Run) -> None:
    examples = schemas.read(examples_table(TASK), run.at / "examples/label.train.parquet")
    assert "votes" not in examples.columns
    assert examples["completion"].to_list() == [f"<answer>{label}</answer>" for label in examples["answer"]]
    assert "; B: " in examples["messages"][0][1]["content"]


def test_baselines_and_models_answer_with_its_labels_and_their_probabilities(run: Run) -> None:
    for model in (*BASELINES, *MODELS):
        predictions = schemas.read(Predictions, run.at / f"predictions/{model}/test.greedy.parquet")
        said = [completion.parse(text, TASK).label for text in predictions["completion"]]
        assert predictions["label"].to_list() == said
        assert set(said) <= {*TASK.labels, None} and (model in MODELS or None not in said)
        shares = [one for one in predictions["probabilities"] if one is not None]
        assert shares and all(len(one) == 4 and sum(one) == pytest.approx(1, abs=1e-4) for one in shares)
    told = schemas.read(SplitFigures, run.at / "splits.parquet")
    assert set(told["model"]) == set(BASELINES) and "unsafe" not in set(told["metric"])


def test_its_adapters_were_trained_by_its_rewards_and_say_for_which_task(run: Run) -> None:
    log = pl.read_parquet(run.at / "training/letters/training_log.parquet")
    assert {f"rewards/{name}/mean" for name in ("answer", "format", "cosine_length")} <= set(log["metric"])
    assert json.loads((run.at / "adapters/letters/recipe.json").read_text())["task"] == NAME


def test_it_is_compared_by_its_own_figures_and_by_nobody_elses(run: Run) -> None:
    compared = schemas.read(Comparison, run.at / "comparison.parquet")
    assert set(compared["model"]) == {*BASELINES, *MODELS, "panel"}
    found = set(compared.filter(model="sft")["metric"])
    assert {"macro_f1", "f1_a", "recall_d", "brier", "ece"} <= found
    assert not {"qwk", "unsafe", "unsafe_up", "f1_una"} & found  # its labels have no order, and no error is unsafe
    assert compared["published"].is_null().all()  # another adapter named sft is in the paper
    table = (run.at / "tables/all.test.md").read_text()
    assert "F1 D" in table and "UNA" not in table and "paper" not in table


def test_its_card_and_report_speak_of_it(run: Run) -> None:
    card, html = (run.at / "card.md").read_text(), (run.at / "report/index.html").read_text()
    assert "| A | B | C | D |" in card and "Rows of variant x options" in card
    assert TASK.purpose in html and '<abbr title="D">D</abbr>' in html
    assert not [word for word in ("UNA", "Usually Appropriate", "panelist", "Weighted kappa") if word in html]


def test_its_adapter_answers_a_single_case_with_its_labels(run: Run) -> None:
    case = {"variant": "Adult. Pain.", "options": "A: US; B: CT; C: MRI; D: none"}
    adapter = run.at / "adapters/sft"
    answer = recommend.answer(adapter, str(run.at / "models/base"), run.at, run.at, case, {}, 100, 8, "transformers")
    assert list(answer["probabilities"]) == list(TASK.labels) and answer["options"] == case["options"]


def test_an_ordered_or_voted_reward_is_refused_with_its_reason() -> None:
    provided = {"task": lambda: TASK}
    with pytest.raises(InputError, match="labels of multiple_choice have no order"):
        rewards.load("ordinal_answer", {}, provided)
    with pytest.raises(InputError, match="multiple_choice: it has no votes"):
        rewards.load("panel_answer", {}, provided)
    assert rewards.load("answer", {}, provided)(["<answer> b. </answer>"], answer=["B"]) == [1.0]


def test_predictions_of_another_task_are_refused_by_their_labels(run: Run) -> None:
    rows = schemas.read(rows_table(TASK), run.at / "rows/test.parquet")
    predictions = schemas.read(Predictions, run.at / "predictions/sft/test.greedy.parquet")
    with pytest.raises(InputError, match="E: no label of the task multiple_choice"):
        metrics.tally(predictions.with_columns(label=pl.lit("E")), rows, None, Path("p"), task=TASK)
    with pytest.raises(InputError, match="not a table of Rows"):
        schemas.read(Rows, run.at / "rows/test.parquet")


@pytest.mark.parametrize(
    ("reward", "reason"), [("ordinal_answer", "have no order"), ("panel_answer", "it has no votes")]
)
def test_a_configuration_whose_reward_does_not_fit_the_task_is_refused(reward: str, reason: str) -> None:
    adapters = {"wrong": {"method": "grpo", "rewards": {reward: 1.0}}}
    with pytest.raises(InputError, match=rf"adapters.wrong.rewards.{reward}.options: .*{reason}"):
        configuration.load({**SETTINGS, "adapters": adapters}, "test")


@pytest.mark.parametrize("name", ["appropriatenes", "os:path", "tasks.multiple_choice:NONE", "no_such_module:TASK"])
def test_a_configuration_that_names_no_task_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(InputError, match=r"(?s)task: .*name one of appropriateness"):
        configuration.load({"task": name}, "test")


def test_the_file_of_a_task_is_known_so_that_an_edit_rebuilds_what_it_decides() -> None:
    assert tasks.source(NAME) == Path(__file__).parents[1] / "tasks/multiple_choice.py"
    assert tasks.known() == ["appropriateness"]
