"""The report's section on retrieved evidence: every condition's end is told, and every figure has its yardstick."""

import re
from pathlib import Path

import polars as pl
import pytest
from eutils_programs import article
from test_report import Elements, write_report, write_run

from acrflow import schemas
from acrflow.evidence.condense import condense
from acrflow.evidence.reader import read_records
from acrflow.evidence.sources import collect_records
from acrflow.io.files import write_json
from acrflow.io.ledger import Ledger
from acrflow.report import page, retrieved
from acrflow.retrieval import judge
from acrflow.retrieval.engines import Answer, SnapshotEngine
from acrflow.retrieval.queries import Filters, Names, Question, questions
from acrflow.retrieval.search import fetchable, search
from acrflow.schemas.evidence import Condensed
from acrflow.schemas.retrieval import Assigned, Found, Grades, Judgement, Queries

FIRST = 90_000_001
RETRACTED = "Journal Article</PublicationType><PublicationType>Retracted Publication"
TOPICS = {  # topic -> what its queries are
    "good": "morvane", "own": "ostrel", "bare": "telvic", "none": "nowhere", "many": "a million", "prose": "((",
}  # fmt: skip
RECORDS = {
    pmid: article(pmid, title=title, place=(2020, 1, "1-2"), abstract=abstract)
    for pmid, title, abstract in (
        (FIRST, "Morvane", "<AbstractText>CT found it in 9 of 10.</AbstractText>"),
        (FIRST + 1, "Morvane again", "<AbstractText>MRI found it in 8 of 10.</AbstractText>"),
        (FIRST + 2, "Ostrel", "<AbstractText>US found it in 7 of 10.</AbstractText>"),
        (FIRST + 3, "Telvic <script>alert(1)</script>", ""),
        (FIRST + 4, "A million of a million", ""),
    )
}
SHARE = {"value": 0.5, "low": 0.25, "high": 0.75, "of": 8}
SIDE = {
    "strong": 4, "called_strong": 4, "recall": SHARE, "precision": None, "average_precision": 0.625,
    "share_of_strong": 0.375, "brier": 0.125, "exact_grade": SHARE, "importance": {"type: Review": 0.0123},
    "calibration": [{"predicted": 0.25, "seen": 0.5}],
}  # fmt: skip
CARD = {
    "sjr": False,
    "threshold": 0.4,
    "evaluation": {"studies": 1234, "topics": 3, "folds": 3, "model": SIDE, "publication_type_alone": SIDE},
}


class Engine(SnapshotEngine):
    """A folder of records in which one query finds a million."""

    def find(self, query: str, most: int) -> Answer:
        answer = super().find(query, most)
        return Answer(1_000_000, answer.pmids, query) if "million" in query else answer


def write_retrieval(folder: Path) -> None:
    """The tables of a retrieval with every end that a condition can have, by the programs' own functions."""
    every = list(read_records(f"<PubmedArticleSet>{''.join(RECORDS.values())}</PubmedArticleSet>".encode()))
    cited = {"good": {FIRST}, "own": {FIRST + 2}}
    asked = [question for topic in TOPICS for question in questions(topic, f"{topic.capitalize()} <b>condition</b>")]

    def rewriter(question: Question, known: Names) -> str:
        return TOPICS[question.topic]

    ledger = Ledger("search_studies", "queries")
    queries, found = search(asked, rewriter, Filters(2013), Engine(every), 25, cited, True, ledger)
    source = type("Source", (), {"records": lambda self, pmids: [one for one in every if one["pmid"] in pmids]})()
    records = collect_records(source, fetchable(found), ledger)
    condensed = condense(records, "whole", ledger)
    grades = records.select("pmid", grade=pl.lit("1"), chance_of_strong=pl.lit(0.9), strong=pl.lit(True),
                            mean_rank=pl.lit(1.5), without_abstract=pl.lit(False))  # fmt: skip
    references = pl.DataFrame([(topic, pmid) for topic, one in cited.items() for pmid in one],
                              schema={"topic": pl.String, "pmid": pl.Int64}, orient="row")  # fmt: skip
    wanted = dict.fromkeys((judge.WITH_PMID, judge.FINDABLE), references)
    rows = pl.DataFrame({"topic": ["good", "own"], "id": ["1", "2"], "evidence": [[{"pmid": 1}], []]})
    reasons = {"procedure_named": True, "condition_named": None, "likeness": 0.5, "grade": "1", "chance_of_strong": 0.9}
    assigned = pl.DataFrame([{"id": "test0", "number": 1, "pmid": FIRST + 1, "tokens": 9, **reasons}],
                            schema=schemas.polars_schema(Assigned))  # fmt: skip
    shares = [
        *judge.recalls(found, list(TOPICS), wanted),
        judge.Share("good", "centre_distance", 0.125, 1),
        judge.Share("good", "centre_distance_others", 0.5, 1),
        judge.Share("good", "centre_distance_own_nearest", 1, 1),
        *judge.coverage({"test": rows}, pl.DataFrame({"id": ["1"], "pmid": [FIRST + 1]})),
    ]
    for name, table, frame in (
        ("queries", Queries, queries),
        ("found", Found, found),
        ("condensed", Condensed, condensed),
        ("grades", Grades, grades),
        ("judgement", Judgement, judge.table(shares, 20, 1)),
        ("assigned", Assigned, assigned),
    ):
        schemas.write(table, frame, folder / f"{name}.parquet")
    write_json(folder / "grader/grader.json", CARD)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("retrieval")
    write_retrieval(folder)
    return folder


def test_every_condition_says_how_it_ended(folder: Path) -> None:
    told = {one["condition"].split()[0]: one for one in retrieved.gather(folder, folder / "grader")["conditions"]}
    assert {name: one["status"] for name, one in told.items()} == {
        "Good": "",
        "Own": "nothing beyond the guideline's own references",
        "Bare": "no study with an abstract",
        "None": "nothing found (1)",
        "Many": "too broad (1)",
        "Prose": "no Boolean query (8)",
    }
    good, bare = told["Good"], told["Bare"]
    assert (good["found"], good["hidden"], good["usable"], good["strong"]) == (2, 1, 1, 1)
    assert good["statuses"] == "asked before (7), found (1)" and good["recall"]["value"] == 1.0
    assert bare["dropped"] == "no abstract (1)" and len(told["Prose"]["queries"]) == 8


def shown(folder: Path, grader: Path | None) -> str:
    template = page._environment().get_template("retrieved.html.j2")
    return template.render(retrieval=retrieved.gather(folder, grader))


def test_the_section_shows_figures_beside_their_yardsticks_and_runs_nothing(folder: Path) -> None:
    html = shown(folder, folder / "grader")
    text = " ".join(re.sub(r"<[^>]+>", " ", html).split())
    for part in (
        "no Boolean query: no search term",
        "1,000,000",
        "Recall of references a search can find",
        "0.12 – 0.50 1 of 1".replace(" – ", " "),  # distance to its own references, to other topics'
        "test 50 % 0 to 100 50 % 0 to 100 0.50",
        "Trained on 1,234 studies of 3 topics",
        "This grader 50 % 25 to 75 – 0.625 0.125",
        "0.375 is that of a coin",
        "type: Review 0.0123",
    ):
        assert part in text, part
    assert "<script" not in html and "<b>" not in html
    assert all("scope" in attributes for tag, attributes in Elements(html).found if tag == "th")


def test_without_grades_or_with_one_topic_it_says_why_there_are_no_figures(folder: Path, tmp_path: Path) -> None:
    assert "Nothing was graded" in shown(folder, None)
    evaluation = {"studies": 9, "topics": 1, "grades": {}, "model": None, "reason": "one topic: nothing to test on"}
    write_json(tmp_path / "grader.json", {"sjr": True, "threshold": None, "evaluation": evaluation})
    assert "too few to train on (one topic" in shown(folder, tmp_path)
    write_json(tmp_path / "grader.json", {"sjr": True, "threshold": 0.4, "evaluation": evaluation})
    html = shown(folder, tmp_path)
    assert "one topic: nothing to test on" in html and "with journal ranks" in html


def test_the_page_has_the_section_where_something_was_retrieved(folder: Path, tmp_path: Path) -> None:
    done = write_report(write_run(tmp_path) | {"--retrieval": [folder], "--grader": [folder / "grader"]}, {})
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "report/index.html").read_text()
    assert 'id="retrieved"' in html and 'href="#retrieved"' in html
