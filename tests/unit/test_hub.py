"""The hub folder and one answered case, with a real tiny model and adapter."""

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from invented_tables import predictions_of, rows_of
from programs import program as program_file
from safetensors import safe_open

from acrflow import schemas
from acrflow.evaluation import compare, metrics
from acrflow.io.errors import InputError
from acrflow.io.files import write_json
from acrflow.report import hub
from acrflow.schemas.evidence import Condensed
from acrflow.tasks.appropriateness import LABELS, MBA, UA, UNA

PROMPTS = Path(__file__).resolve().parents[2] / "config" / "prompts"
SPEC = {
    "method": "grpo",
    "evidence": "acr",
    "prompt": "reasoning_evidence",
    "rewards": {"answer": {"weight": 1.0, "options": {}}},
    "seed": 7,
    "base": {"model": "tiny", "revision": None, "dtype": "float32", "quantization": "none"},
    "training": {"steps": 80, "learning_rate": 0.001, "lora": {"r": 4, "alpha": 8}, "completion_tokens": 12},
}


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
        write_json(folder / "adapters" / name / "spec.json", {**SPEC, "adapter": name})
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
    for model, kind in (("llm_eval", "adapter"), ("homemade", "adapter"), ("majority", "cheap baseline")):
        tally = metrics.tally(predictions_of([*gold[:3], UNA], model), rows_of(gold), None, Path("p"))
        who = {"model": model, "kind": kind, "split": "test", "not_asked": 0}
        measured.append({**who, **metrics.measure(tally, 20, 1)})
    return compare.comparison(measured, {}, {})


FACTS = {"run": "r", "base": "some/base", "documents": "download", "topics": 30, "rows": 1215, "invented": False,
         "tiny": False, "prompts": str(PROMPTS)}  # fmt: skip


def test_the_folder_is_laid_out_like_the_published_adapters_with_cards(run: Path, tmp_path: Path) -> None:
    adapters = [run / "adapters" / name for name in ("llm_eval", "homemade")]
    assert hub.write(adapters, compared(), FACTS, tmp_path / "hub") == ["llm-eval", "homemade"]
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
    assert "majority" in card and "Invented data" not in card
    assert (folder / "prompt.yaml").read_text() == (PROMPTS / "reasoning_evidence.yaml").read_text()
    assert "llm-eval/README.md" in (tmp_path / "hub" / "README.md").read_text()


def test_an_adapter_that_is_not_whole_leaves_no_folder(run: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    with pytest.raises(InputError, match=r"adapter_model.safetensors, .* missing"):
        hub.write([run / "adapters" / "llm_eval", tmp_path / "broken"], compared(), FACTS, tmp_path / "hub")
    assert not (tmp_path / "hub").exists()


def test_upload_happens_to_a_whole_folder_only(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no hub folder"):
        hub.upload(tmp_path, "someone/somewhere", private=True)


def recommend(run: Path, *more: str) -> subprocess.CompletedProcess[str]:
    case = ["--condition", "Telvic Pain", "--variant", "Acute pain of the pelvis.", "--procedure", "US pelvis"]
    program = [sys.executable, str(program_file("recommend")), "--run", str(run), *case, *more]
    return subprocess.run(program, capture_output=True, text=True)


def test_one_case_is_answered_with_probabilities_and_the_evidence_shown(run: Path) -> None:
    done = recommend(run, "--adapter", "homemade", "--pmids", "91000001", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer["probabilities"]) == set(LABELS) and sum(answer["probabilities"].values()) == pytest.approx(1)
    assert answer["evidence"] == [{"number": 1, "pmid": 91000001, "text": "Films found 82 of 100."}]
    assert answer["label"] in (*LABELS, None) and "homemade" in answer["adapter"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--adapter", "sft"), "the run has homemade, llm_eval"),
        (("--adapter", "homemade", "--pmids", "91000001", "91000002"), "no usable abstract of 91000002"),
    ],
)
def test_what_cannot_be_used_is_named(run: Path, flags: tuple[str, ...], message: str) -> None:
    done = recommend(run, *flags)
    assert done.returncode == 2 and message in done.stderr
