"""The report page, made by the program from an invented run."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from invented_tables import predictions_of, rows_of, write_roster
from programs import program as program_file
from written_recipes import write_recipe

from acrflow import schemas
from acrflow.evaluation import by_evidence, compare, metrics
from acrflow.io.files import write_json, write_text
from acrflow.schemas.dataset import EVIDENCE, Rows
from acrflow.schemas.evaluation import Comparison, EvidenceEffects, Pairs
from acrflow.schemas.evidence import Condensed, Pmids
from acrflow.schemas.inference import Predictions
from acrflow.schemas.training import TrainingLog
from acrflow.tasks.appropriateness import LABELS

PROGRAM = program_file("write_report")
SPLITS = {"test": 60, "generalization": 30}
MODELS = {  # kind and share of right answers
    "sft": ("adapter", 0.6),
    "baseline": ("adapter", 0.7),
    "medreason_embed": ("adapter", 0.8),
    "base": ("base", 0.2),
    "majority": ("baseline", 0.5),
    "tfidf_logreg": ("baseline", 0.65),
}
STUDY = [{"number": 1, "pmid": 91000001, "text": "Films found 82 of 100 fractures."}]
HOSTILE = (
    '<think><script>alert("x")</script><img src="https://x.org/x"> see [1] and [7]</think></script><!--'
    "<answer>Usually Appropriate</answer>"
)


def rows_and_predictions(split: str) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    draw = np.random.default_rng(len(split))
    gold = draw.choice(LABELS, SPLITS[split], p=(0.6, 0.2, 0.2)).tolist()
    rows = rows_of(gold).with_columns(
        id=split + pl.col("id"),
        condition=pl.lit("Knee </script><script>alert(1)</script>"),
        traces=pl.lit(["The film shows the fracture [1,2].", "It is quick."]),
        votes=pl.lit([1, 2, 3, 4, 0, 0, 0, 0, 1]),
        evidence=pl.lit(STUDY, pl.List(EVIDENCE)),
        procedure=pl.Series([("Radiography knee", "MRI knee", "CT knee")[i % 3] for i in range(len(gold))]),
    )
    tables, answers = {}, [*LABELS, None]
    for model, (_, right) in MODELS.items():
        said = [one if draw.random() < right else answers[draw.integers(4)] for one in gold]
        table = predictions_of(said, model, split).with_columns(
            id=split + pl.col("id"),
            completion=pl.format("<think>It is quick [1].</think><answer>{}</answer>", pl.col("label").fill_null("?")),
        )
        if model == "medreason_embed":
            table = table.with_columns(completion=pl.lit(HOSTILE), probabilities=pl.lit([0.7, 0.2, 0.1]))
        tables[model] = table
    return rows, tables


def training_log(method: str, seed: int) -> pl.DataFrame:
    draw, steps = np.random.default_rng(seed), np.arange(1, 81)
    rise = 0.9 + 0.4 * steps / 80 + draw.normal(0, 0.1, 80)
    curves = {"loss": 2 - rise, "seconds": np.full(80, 0.5), "seconds/loss": np.full(80, 0.2)}
    if method == "grpo":
        curves |= {"reward": rise, "rewards/answer/mean": rise - 0.5, "rewards/format/mean": np.full(80, 0.5)}
    values = [
        {"step": int(step), "metric": name, "value": float(value)}
        for name, curve in curves.items()
        for step, value in zip(steps, curve, strict=True)
    ]
    return pl.DataFrame(values, schema=schemas.polars_schema(TrainingLog))


def write_adapters(folder: Path) -> list[Path]:
    adapters = []
    for number, (name, (kind, _)) in enumerate(MODELS.items()):
        if kind != "adapter":
            continue
        method = "sft" if name == "sft" else "grpo"
        rewarded = {"evidence": "acr", "rewards": {"answer": 1.0}} if method == "grpo" else {}
        settings = {"steps": 80, "learning_rate": 0.001, "lora": {"r": 16}}
        write_recipe(folder / name, {"method": method, **rewarded}, **settings)
        log = folder.parent / "training" / name / "training_log.parquet"
        schemas.write(TrainingLog, training_log(method, number), log)
        adapters.append(folder / name)
    return adapters


def write_run(folder: Path) -> dict[str, list[Path]]:
    """An invented run's files, by the flag that takes them."""
    measured: list[dict[str, Any]] = []
    files: dict[str, list[Path]] = {"--metrics": [], "--predictions": [], "--rows": []}
    for split in SPLITS:
        rows, tables = rows_and_predictions(split)
        files["--rows"].append(folder / f"{split}.parquet")
        schemas.write(Rows, rows, files["--rows"][-1])
        for model, table in tables.items():
            who = {"model": model, "kind": MODELS[model][0], "split": split, "not_asked": 0}
            tally = metrics.tally(table, rows, None, Path("p"))
            measured.append({**who, **metrics.measure(tally, 200, seed=1, sampled=[tally])})
            files["--predictions"].append(folder / model / f"{split}.greedy.parquet")
            schemas.write(Predictions, table, files["--predictions"][-1])
            files["--metrics"].append(folder / f"{model}.{split}.json")
            write_json(files["--metrics"][-1], measured[-1])
    compared = compare.comparison(measured, {"medreason_embed": 1.2})
    schemas.write(Comparison, compared, folder / "comparison.parquet")
    predictions = [(path, schemas.read(Predictions, path)) for path in files["--predictions"]]
    rows_of_splits = [schemas.read(Rows, path) for path in files["--rows"]]
    tallies = compare.tallies(predictions, rows_of_splits, measured)
    answers = {"acr": tallies["test"]["medreason_embed"], "retrieved": tallies["test"]["base"]}
    effects = by_evidence.effects("test", "medreason_embed", "acr", answers, {"acr": 55, "retrieved": 40}, 50, 1)
    schemas.write(EvidenceEffects, by_evidence.table(effects), folder / "evidence.parquet")
    pairs = compare.pairs(tallies, 50, 1)
    schemas.write(Pairs, pairs, folder / "pairs.parquet")
    schemas.write(Rows, rows_of_splits[0], folder / "train.parquet")
    pmids = [{"topic": "topic", "number": 1, "pmid": 91000001, "status": "given"}]
    pmids.append({"topic": "topic", "number": 2, "pmid": None, "status": "not_found"})
    condensed = [{"pmid": 91000001, "title": "Films of the knee", "year": 2020, "words_before": 9, "words_after": 5}]
    for name, table, values in (("pmids", Pmids, pmids), ("condensed", Condensed, condensed)):
        frame = pl.DataFrame(values, schema=schemas.polars_schema(table))
        schemas.write(table, frame, folder / f"{name}.parquet")
    left_out = {"no record": {"count": 30, "examples": ["PMID 91000001"]}}
    ledger = {"step": "fetch_records", "unit": "references", "taken": 130, "kept": 100, "left_out": left_out}
    write_json(folder / "fetch_records.json", {**ledger, "facts": {"source": "snapshot"}})
    write_json(folder / "knee.qa.json", {"topic": "knee", "variants": {"appendix": 4}, "conflicts": []})
    counted = ("rows", "topics_shared", "variants_shared", "rows_of_shared_variants", "near_duplicates",
               "near_duplicates_with_the_same_label", "references", "references_shared")  # fmt: skip
    test = dict.fromkeys(counted, 2)
    leaks = {"near_duplicate_threshold": 0.9, "train": {"rows": 140, "labels": {}}, "splits": {"test": test}}
    write_json(folder / "leaks.json", leaks)
    counts = "# Dataset card\n\n## Counts\n\n| stage | rows |\n| --- | ---: |\n| rated | 230 |\n"
    write_text(folder / "card.md", counts + "\n![Rows by label](figures/labels.svg)\n")
    write_text(folder / "figures/labels.svg", '<svg xmlns="http://www.w3.org/2000/svg" width="800" height="8"/>')
    return files | {
        "--comparison": [folder / "comparison.parquet"],
        "--roster": [
            write_roster(
                folder / "roster.json",
                {"name": "sft", "kind": "adapter", "evidence": "none"},
                *({"name": name, "kind": "adapter", "evidence": "acr"} for name in ("baseline", "medreason_embed")),
                {"name": "gpt", "kind": "reference", "evidence": "acr"},
            )
        ],
        "--adapters": write_adapters(folder / "adapters"),
        "--trainings": [folder / "training"],
        "--ledgers": [folder / "fetch_records.json"],
        "--qa": [folder / "knee.qa.json"],
        "--leaks": [folder / "leaks.json"],
        "--card": [folder / "card.md"],
        "--pairs": [folder / "pairs.parquet"],
        "--effects": [folder / "evidence.parquet"],
        "--train": [folder / "train.parquet"],
        "--pmids": [folder / "pmids.parquet"],
        "--condensed": [folder / "condensed.parquet"],
        "--figures": [folder / "report" / "figures"],
        "--out": [folder / "report" / "index.html"],
    }


def write_report(files: dict[str, list[Path]], configuration: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    arguments = [str(part) for flag, paths in files.items() for part in (flag, *paths)]
    program = [sys.executable, str(PROGRAM), "--run", "invented", "--config-json", json.dumps(configuration)]
    return subprocess.run([*program, *arguments], capture_output=True, text=True)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    done = write_report(write_run(folder), {"documents": "invented", "base": {"model": "tiny"}})
    assert done.returncode == 0, done.stderr
    return folder / "report" / "index.html"


class Elements(HTMLParser):
    """Every start tag with its attributes, as a browser reads the page."""

    def __init__(self, html: str):
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_answers_with_other_evidence_stand_beside_those_with_the_adapters_own(page: Path) -> None:
    html = page.read_text()
    section = html[html.index('id="other-evidence"') : html.index("<h3>Reasoning and cost</h3>")]
    own, retrieved = re.findall(r"<tr>(?!<th scope=.col).*?</tr>", section, re.DOTALL)
    assert "medreason_embed" in own and "its own" in own and "55 of 60" in own
    assert "40 of 60" in retrieved and re.search(r">[+-]\d+\.\d<span", retrieved)


def test_the_page_has_every_part(page: Path) -> None:
    html = page.read_text()
    for part in ("results", "errors", "training", "data", "leaks", "examples", "adapters"):
        assert f'<h2 id="{part}">' in html
    for text in [*MODELS, "no record", "PMID 91000001", "torch 2.13.0", "McNemar", "Reliability of"]:
        assert text in html, text
    assert 'id="retrieved"' not in html and "#retrieved" not in html  # nothing was retrieved
    assert html.count('class="matrix"') == len(MODELS) * len(SPLITS)
    charts = {file.stem: file.read_text() for file in (page.parent / "figures").iterdir()}
    trainings = [f"training_{name}" for name in list(MODELS)[:3]]
    calibration = [f"reliability_{split}" for split in SPLITS]
    assert charts.keys() == {"figures", "errors", "seconds", "evidence", *calibration, *trainings}
    assert all("<svg" in svg and "var(--" not in svg for svg in charts.values())
    assert page.stat().st_size < 10e6


def test_a_completion_cannot_break_out_of_the_page(page: Path) -> None:
    html = page.read_text()
    assert 'alert("x")' not in html.split('<script type="text/plain" id="packed">')[0]
    found = [tag for tag, _ in Elements(html).found]
    assert not {"iframe", "object", "link"} & set(found) and found.count("img") == 1  # the card's own picture
    assert found.count("script") == 4


def test_the_page_asks_for_nothing_outside_itself(page: Path) -> None:
    html = page.read_text()
    for tag, attributes in Elements(html).found:
        for name in ("src", "href", "xlink:href", "action", "data", "srcset"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/svg+xml;base64,")), (tag, attributes)
    assert "default-src 'none'" in html and "unsafe-eval" not in html


def test_the_scripts_are_those_that_the_policy_names(page: Path) -> None:
    html = page.read_text()
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert len(hashes) == 2 and re.findall(r"'sha256-([^']+)'", html) == hashes


def test_screen_readers_find_headers_labels_and_unique_ids(page: Path) -> None:
    found = Elements(page.read_text()).found
    assert all("scope" in attributes for tag, attributes in found if tag == "th")
    assert all("aria-label" in attributes or "aria-labelledby" in attributes for _, attributes in found
               if attributes.get("role") == "region")  # fmt: skip
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {(attributes["href"] or "")[1:] for tag, attributes in found if tag == "a"}
    assert links and links <= set(ids)


def test_an_invented_run_says_so_and_a_real_one_does_not(page: Path, tmp_path: Path) -> None:
    assert "says nothing about medicine" in page.read_text()
    done = write_report(write_run(tmp_path), {"documents": "download", "base": {"model": "some/model"}})
    assert done.returncode == 0, done.stderr
    assert "says nothing about medicine" not in (tmp_path / "report" / "index.html").read_text()


def test_a_missing_file_is_named_and_no_page_is_written(tmp_path: Path) -> None:
    files = write_run(tmp_path)
    (tmp_path / "adapters" / "baseline" / "recipe.json").unlink()
    done = write_report(files, {})
    assert done.returncode == 2 and "recipe.json" in done.stderr
    assert not (tmp_path / "report").exists()
