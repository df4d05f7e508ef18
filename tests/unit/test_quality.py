"""Grading studies: in ACR's direction, measured on topics that were not seen, stored without pickle."""

import json
import pickle
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st
from programs import program as program_file
from sklearn.linear_model import LogisticRegression

from acrflow import schemas
from acrflow.evidence.reader import Record, absent
from acrflow.io.errors import InputError
from acrflow.io.ledger import Ledger
from acrflow.retrieval.features import COLUMNS, TYPE_COLUMNS, features, journal_key, read_sjr, sample_size
from acrflow.retrieval.grader_file import FOREST, read_grader, write_grader
from acrflow.retrieval.quality import evaluate, fit, grade, labelled
from acrflow.schemas.evidence import Pmids, Records
from acrflow.schemas.retrieval import Grades

ROOT = Path(__file__).resolve().parents[2]
STRONG_TEXT = (
    "Consecutive patients were compared, blinded, with the reference standard: sensitivity 91 % (95 % CI 88-94)."
)
WEAK_TEXT = "We report a rare course and discuss what may follow."


def study(pmid: int, strong: bool, types: tuple[str, ...] = (), year: int | None = 2020) -> Record:
    text = f"{STRONG_TEXT if strong else WEAK_TEXT} There were {pmid % 90 + 10} patients."
    sections = [{"label": "RESULTS", "category": "RESULTS", "text": text}]
    named = {"publication_types": ["Journal Article", *types], "journal": "J Invent Imaging", "year": year}
    return absent(pmid) | {"status": "received", "title": "A study", "sections": sections} | named


def tables(topics: int = 6, each: int = 12, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cited studies whose quality shows in their wording, and by half in their publication type."""
    draw = random.Random(seed)
    references, records = [], []
    for number in range(topics * each):
        strong, pmid = draw.random() < 0.4, 91_000_000 + number
        types = ("Comparative Study",) if strong and draw.random() < 0.5 else ("Review",) if draw.random() < 0.3 else ()
        quality = draw.choice("12" if strong else "34")
        references.append(
            {"topic": f"t{number % topics}", "number": number, "pmid": pmid, "status": "given", "printed": None,
             "study_quality": quality, "citation": None}
        )  # fmt: skip
        records.append(study(pmid, strong, types))
    pmids = pl.DataFrame(references, schema=schemas.polars_schema(Pmids))
    return pmids, pl.DataFrame(records, schema=schemas.polars_schema(Records))


def learnt(frame: pl.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return features(frame.iter_rows(named=True)), frame["study_quality"].to_numpy(), frame["topic"].to_numpy()


def test_one_is_best_and_four_is_weakest() -> None:
    grader = fit(*learnt(labelled(*tables(), Ledger("train_grader", "references"))), seed=1)
    said = grade(grader, features([study(1, True, ("Comparative Study",)), study(2, False, ("Review",))]))
    assert said["strong"].tolist() == [True, False]
    assert said["grade"][0] in "12" and said["grade"][1] in "34"
    assert said["rank"][0] < 2.5 < said["rank"][1]


def test_topics_that_were_not_seen_measure_it_beside_the_publication_type_alone() -> None:
    told = evaluate(*learnt(labelled(*tables(), Ledger("train_grader", "references"))), seed=1)
    model, baseline = told["model"], told["publication_type_alone"]
    assert model["recall"]["value"] > 0.95 and model["precision"]["value"] > 0.95 and model["brier"] < 0.05
    assert baseline["average_precision"] < model["average_precision"]
    assert any(name.startswith("cue: ") for name in list(model["importance"])[:5])
    assert sum(told["grades"].values()) == told["studies"] == 72


def test_studies_of_one_kind_are_called_alike_by_every_forest() -> None:
    """Publication types that tell strong from weak in nine of ten must be found in folds that were not seen."""
    draw = random.Random(3)
    kinds = [draw.random() < 0.4 for _ in range(120)]
    grades = np.array(["2" if kind == (draw.random() < 0.9) else "4" for kind in kinds])
    values = np.zeros((120, len(TYPE_COLUMNS)), np.float32)
    values[:, 0] = kinds
    told = evaluate(values, grades, np.repeat([f"t{n}" for n in range(12)], 10), seed=1)
    right = int((np.isin(grades, ["2"]) & np.array(kinds)).sum())
    assert told["publication_type_alone"]["called_strong"] == sum(kinds)
    assert told["publication_type_alone"]["recall"]["value"] == round(right / (grades == "2").sum(), 4)


def test_what_only_tells_the_topic_helps_nobody() -> None:
    """Were a topic's studies on both sides, a forest would know each topic's grade."""
    rng = np.random.default_rng(1)
    topics = np.repeat([f"t{n}" for n in range(20)], 8)
    by_topic = rng.permutation(np.repeat(["1", "4"], 10))
    values = np.zeros((160, len(TYPE_COLUMNS) + 1), np.float32)
    values[:, -1] = np.repeat(rng.permutation(20), 8)  # which topic
    told = evaluate(values, np.repeat(by_topic, 8), topics, seed=1)
    assert told["model"]["average_precision"] < 0.8
    assert told["model"]["brier"] > 0.2


def test_too_little_to_learn_from_is_said() -> None:
    frame = labelled(*tables(), Ledger("train_grader", "references"))
    values, grades, topics = learnt(frame)
    weak = np.isin(grades, ["3", "4"])
    with pytest.raises(InputError, match="too few to learn from"):
        fit(values[weak], grades[weak], topics[weak], 1)
    one = topics == "t0"
    assert evaluate(values[one], grades[one], topics[one], 1)["model"] is None


def test_what_cannot_teach_is_left_out_and_counted() -> None:
    pmids, records = tables(2, 6)
    more = pmids.head(4).with_columns(
        topic=pl.lit("other"),
        pmid=pl.Series([None, pmids["pmid"][0], 5, 6], dtype=pl.Int64),
        study_quality=pl.Series(["1", "2", "3", "Strong"]),
    )
    ledger = Ledger("train_grader", "references")
    frame = labelled(pl.concat([pmids, more]), records, ledger)
    told = ledger.as_dict()
    assert len(frame) == 12 == told["kept"] and told["taken"] == 16
    assert {reason: one["count"] for reason, one in told["left_out"].items()} == {
        "no PMID": 1,
        "graded before, by this topic or another": 1,
        "no record": 1,
        "a grade not on the scale": 1,
    }


@given(st.lists(st.tuples(st.text(max_size=80), st.none() | st.integers(1800, 2030), st.booleans()), max_size=4))
def test_any_record_has_its_row_of_numbers(texts: list[tuple[str, int | None, bool]]) -> None:
    records = [
        study(1, True, year=year) | ({} if empty else {"sections": [{"label": None, "category": None, "text": text}]})
        for text, year, empty in texts
    ]
    values = features([one | {"title": None} for one in records])
    assert values.shape == (len(texts), len(COLUMNS)) and values.dtype == np.float32
    assert np.isfinite(np.delete(values, [COLUMNS.index("year"), COLUMNS.index("journal_rank")], axis=1)).all()


def test_cues_are_found_and_missing_things_are_told_apart_from_zero() -> None:
    strong, bare = features([study(1, True, ("Clinical Trial",)), absent(2)])
    named = dict(zip(COLUMNS, strong, strict=True))
    present = {name for name, value in named.items() if value == 1 and name.startswith(("cue", "type"))}
    assert present == {
        "type: Clinical Trial", "cue: consecutive", "cue: comparator", "cue: blinded", "cue: reference_standard",
        "cue: accuracy", "cue: confidence_interval",
    }  # fmt: skip
    assert np.isnan(named["journal_rank"]) and named["year"] == 2020 and not named["no_abstract"]
    nothing = dict(zip(COLUMNS, bare, strict=True))
    assert nothing["no_abstract"] and np.isnan(nothing["year"])


@pytest.mark.parametrize(
    ("text", "size"),
    [("we studied 1,234 adult patients in 9 centers", 1234), ("of 40 women and 52 men", 52), ("in 2019 the scan", 0)],
)
def test_the_sample_size_is_the_largest_count_of_patients(text: str, size: int) -> None:
    assert sample_size(text) == size


def test_journal_ranks_are_read_and_reach_the_features(tmp_path: Path) -> None:
    table = tmp_path / "sjr.csv"
    table.write_text('Rank;Title;SJR\n1;"J Invent Imaging (Nowhere)";"9,99"\n2;"The Other & More";\n')
    ranks = read_sjr(table)
    assert ranks == {"j invent imaging": 9.99} and journal_key("The Other & More") == "other and more"
    assert features([study(1, True)], ranks)[0, COLUMNS.index("journal_rank")] == pytest.approx(1.0, abs=1e-3)
    table.write_text("no,such,table\n")
    with pytest.raises(InputError, match="no table of journal ranks"):
        read_sjr(table)


def test_a_grader_is_kept_without_pickle_and_says_the_same(tmp_path: Path) -> None:
    values, grades, topics = learnt(labelled(*tables(), Ledger("train_grader", "references")))
    grader = fit(values, grades, topics, 1)
    write_grader(tmp_path / "grader", grader, {"sjr": False})
    again = read_grader(tmp_path / "grader", sjr=False)
    for one, other in zip(grade(grader, values).values(), grade(again, values).values(), strict=True):
        assert (one == other).all()
    with pytest.raises(InputError, match="without journal ranks"):
        read_grader(tmp_path / "grader", sjr=True)
    forest = tmp_path / "grader" / FOREST
    forest.write_bytes(pickle.dumps(grader.forest))
    with pytest.raises(InputError, match="no grader"):
        read_grader(tmp_path / "grader", sjr=False)
    skops.io.dump(LogisticRegression(), forest)
    with pytest.raises(InputError, match="other columns"):
        read_grader(tmp_path / "grader", sjr=False)


@pytest.mark.slow
def test_the_programs_train_and_grade_what_has_no_abstract_and_no_record_too(tmp_path: Path) -> None:
    pmids, records = tables(3, 10)
    schemas.write(Pmids, pmids, tmp_path / "pmids.parquet")
    schemas.write(Records, records, tmp_path / "records.parquet")
    found = [study(1, True), study(2, False), study(3, True) | {"sections": []}, absent(4)]
    schemas.write(Records, pl.DataFrame(found, schema=schemas.polars_schema(Records)), tmp_path / "found.parquet")
    train = ["train_grader.py", "--pmids", "pmids.parquet", "--records", "records.parquet", "--seed", "1"]
    graded = ["grade_studies.py", "--records", "found.parquet", "--grader", "grader"]
    for program, *arguments in (
        [*train, "--out", "grader", "--ledger", "train.json"],
        [*graded, "--out", "grades.parquet", "--ledger", "grade.json"],
    ):
        subprocess.run([sys.executable, program_file(program), *arguments], cwd=tmp_path, check=True)
    table = schemas.read(Grades, tmp_path / "grades.parquet")
    assert table["pmid"].to_list() == [1, 2, 3] and table["without_abstract"].to_list() == [False, False, True]
    ledger = json.loads((tmp_path / "grade.json").read_text())
    assert ledger["left_out"]["no record"]["count"] == 1 and ledger["facts"]["without_abstract"] == 1


def test_with_too_few_graded_studies_the_run_goes_on_without_grades(tmp_path: Path) -> None:
    pmids, records = tables(1, 3)
    schemas.write(Pmids, pmids, tmp_path / "pmids.parquet")
    schemas.write(Records, records, tmp_path / "records.parquet")
    for program, *arguments in (
        [
            "train_grader.py",
            "--pmids",
            "pmids.parquet",
            "--records",
            "records.parquet",
            "--seed",
            "1",
            "--out",
            "grader",
        ],
        ["grade_studies.py", "--records", "records.parquet", "--grader", "grader", "--out", "grades.parquet"],
    ):
        command = [sys.executable, program_file(program), *arguments, "--ledger", f"{program}.json"]
        subprocess.run(command, cwd=tmp_path, check=True)
    card = json.loads((tmp_path / "grader" / "grader.json").read_text())
    assert "too few to learn from" in card["evaluation"]["reason"]
    assert schemas.read(Grades, tmp_path / "grades.parquet").is_empty()
    left_out = json.loads((tmp_path / "grade_studies.py.json").read_text())["left_out"]
    assert [(reason, left["count"]) for reason, left in left_out.items()] == [
        ("no grader: too few graded studies to learn from", len(records))
    ]
