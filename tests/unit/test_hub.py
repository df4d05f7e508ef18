"""The hub folder and one answered case, with a real tiny model and adapter."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from invented_tables import predictions_of, rows_of
from safetensors import safe_open
from written_recipes import write_recipe

from acrflow import schemas
from acrflow.evaluation import compare, metrics
from acrflow.io.errors import InputError
from acrflow.report import hub
from acrflow.schemas.evidence import Condensed
from acrflow.tasks.appropriateness import LABELS, MBA, UA, UNA

PROMPTS = Path(__file__).resolve().parents[2] / "config" / "prompts"
ADAPTER = {"method": "grpo", "evidence": "acr", "rewards": {"answer": 1.0}}


@pytest.fixture(scope="module")
def run(tiny_base: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder with a base, two adapters and a study."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("run")
    (folder / "models").mkdir()
    (folder / "models" / "base").symlink_to(tiny_base)
    for name in ("llm_eval", "homemade"):
        model = get_peft_model(
            AutoModelForCausalLM.from_pretrained(tiny_base), LoraConfig(r=4, target_modules=["q_proj"])
        )
        model.save_pretrained(str(folder / "adapters" / name))
        own = {"base": {"model": "some/base"}} if name == "llm_eval" else {}
        write_recipe(folder / "adapters" / name, {**ADAPTER, **own}, completion_tokens=12)
    studies = [
        {"pmid": 91000001, "title": "Films", "year": 2020, "text": "Films found 82 of 100.", "words_before": 9,
         "words_after": 5},
        {"pmid": 91000002, "title": "Gone", "year": 2020, "dropped": "retracted", "words_before": 9, "words_after": 0},
    ]  # fmt: skip
    table = pl.DataFrame(studies, schema=schemas.polars_schema(Condensed))
    schemas.write(Condensed, table, folder / "evidence" / "condensed.parquet")
    return folder


def compared() -> pl.DataFrame:
    gold = [UNA, UA, MBA, UA]
    measured = []
    for model, kind in (("llm_eval", "adapter"), ("homemade", "adapter"), ("majority", "baseline")):
        tally = metrics.tally(predictions_of([*gold[:3], UNA], model), rows_of(gold), None, Path("p"))
        who = {"model": model, "kind": kind, "split": "test", "not_asked": 0}
        measured.append({**who, **metrics.measure(tally, 20, 1)})
    return compare.comparison(measured, {}, {})


FACTS = {"run": "r", "base": "some/base", "documents": "download", "topics": 30, "rows": 1215, "invented": False,
         "tiny": False, "prompts": str(PROMPTS)}  # fmt: skip


def test_the_folder_is_laid_out_like_the_published_adapters_with_cards(run: Path, tmp_path: Path) -> None:
    adapters = [run / "adapters" / name for name in ("llm_eval", "homemade")]
    assert hub.write(adapters, run / "training", compared(), FACTS, tmp_path / "hub") == ["llm-eval", "homemade"]
    folder = tmp_path / "hub" / "llm-eval"
    with safe_open(folder / "adapter_model.safetensors", "np") as weights:
        assert list(weights.keys())
    card = (folder / "README.md").read_text()
    for text in (
        "base_model: some/base",
        "Not a medical device",
        "American College of",
        "1215 training rows",
        "| 75.0 [",
    ):
        assert text in card, text
    assert "base_model: tiny" in (tmp_path / "hub" / "homemade" / "README.md").read_text()  # two bases in one run
    assert "majority" in card and "Invented data" not in card
    assert (folder / "prompt.yaml").read_text() == (PROMPTS / "reasoning_evidence.yaml").read_text()
    assert "llm-eval/README.md" in (tmp_path / "hub" / "README.md").read_text()


def test_an_adapter_that_is_not_whole_leaves_no_folder(run: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    with pytest.raises(InputError, match=r"adapter_model.safetensors, .* missing"):
        hub.write(
            [run / "adapters" / "llm_eval", tmp_path / "broken"], run / "training", compared(), FACTS, tmp_path / "hub"
        )
    assert not (tmp_path / "hub").exists()


@pytest.mark.parametrize(
    ("old", "named"),
    [
        (
            "spec.json",
            r"trained by an older version \(spec.json in place of recipe.json\)\n  Remedy: train the adapter again",
        ),
        ("other.json", "no whole adapter: recipe.json is missing"),
    ],
)
def test_an_adapter_of_an_older_version_is_refused_with_a_sentence(
    run: Path, tmp_path: Path, old: str, named: str
) -> None:
    adapter = tmp_path / "adapters" / "mine"
    shutil.copytree(run / "adapters" / "homemade", adapter)
    (adapter / "recipe.json").rename(adapter / old)
    with pytest.raises(InputError, match=named):
        hub.write([adapter], run / "training", compared(), FACTS, tmp_path / "hub")
    done = recommend(run, "--adapter", str(adapter))
    assert done.returncode == 2 and "Remedy: train the adapter again" in done.stderr and "Traceback" not in done.stderr


def test_a_recipe_that_does_not_hold_is_refused_with_its_key(run: Path, tmp_path: Path) -> None:
    adapter = tmp_path / "adapters" / "mine"
    shutil.copytree(run / "adapters" / "homemade", adapter)
    values = json.loads((adapter / "recipe.json").read_text())
    (adapter / "recipe.json").write_text(
        json.dumps({**values, "seed": "x", "training": {**values["training"], "stepps": 1}})
    )
    with pytest.raises(InputError, match=r"recipe\.json: .*seed: .*stepps: unknown key"):
        hub.write([adapter], run / "training", compared(), FACTS, tmp_path / "hub")


def test_upload_happens_to_a_whole_folder_only(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no hub folder"):
        hub.upload(tmp_path, "someone/somewhere", private=True)


def recommend(run: Path, *more: str) -> subprocess.CompletedProcess[str]:
    case = ["--condition", "Telvic Pain", "--variant", "Acute pain of the pelvis.", "--procedure", "US pelvis"]
    program = [sys.executable, "-m", "acrflow.cli", "recommend", "--run", str(run), *case, *more]
    return subprocess.run(program, capture_output=True, text=True)


def test_one_case_is_answered_with_probabilities_and_the_evidence_shown(run: Path) -> None:
    done = recommend(run, "--adapter", "homemade", "--pmid", "91000001", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer["probabilities"]) == set(LABELS) and sum(answer["probabilities"].values()) == pytest.approx(1)
    assert answer["evidence"] == [{"number": 1, "pmid": 91000001, "text": "Films found 82 of 100."}]
    assert answer["label"] in (*LABELS, None) and "homemade" in answer["adapter"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--adapter", "sft"), "the run has homemade, llm_eval"),
        (("--adapter", "homemade", "--pmid", "91000001", "--pmid", "91000002"), "no usable abstract of 91000002"),
    ],
)
def test_what_cannot_be_used_is_named(run: Path, flags: tuple[str, ...], message: str) -> None:
    done = recommend(run, *flags)
    assert done.returncode == 2 and message in done.stderr
