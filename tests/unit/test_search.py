"""Searching for studies: eight queries a condition, each once, each with a status, and none stops the others."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from eutils_programs import article
from eutils_server import FAULTS, GOOD_KEY, EutilsServer
from hypothesis import given
from hypothesis import strategies as st

from acrflow.evidence.cache import Cache
from acrflow.evidence.entrez import Eutils
from acrflow.evidence.reader import read_records
from acrflow.io.errors import InputError
from acrflow.io.http import PoliteClient
from acrflow.io.ledger import Ledger
from acrflow.retrieval.boolean import read
from acrflow.retrieval.engines import Answer, Engine, PubMedEngine, SnapshotEngine
from acrflow.retrieval.queries import (
    TEMPLATES,
    Filters,
    Names,
    Question,
    Rewriter,
    mesh_query,
    names,
    plain_words,
    questions,
)
from acrflow.retrieval.search import search, with_imaging

FIRST = 90_000_001
RETRACTED = "Journal Article</PublicationType><PublicationType>Retracted Publication"
RECORDS = {
    FIRST: article(FIRST, title="Diagnostic imaging of morvane syndrome", place=(2020, 1, "1-2"), abstract=""),
    FIRST + 1: article(FIRST + 1, title="Morvane syndrome", place=(2021, 1, "1-2"), abstract=""),
    FIRST + 2: article(FIRST + 2, title="Morvane syndrome long ago", place=(1990, 1, "1-2"), abstract=""),
    FIRST + 3: article(
        FIRST + 3, title="Morvane syndrome withdrawn", place=(2022, 1, "1-2"), types=RETRACTED, abstract=""
    ),
    FIRST + 4: article(FIRST + 4, title="Telvic pain", place=(2020, 1, "1-2"), abstract=""),
}
TRANSLATION = '"morvane disease"[MeSH Terms] OR "morvane syndrome"[All Fields] OR "acute"[All Fields]'
TITLE = ["Imaging", "of", "Suspected", "Morvane", "-", "fever", "and", "the", "telvic:", "pain", "OR", "(acute)", "AND"]
FILTERS = Filters(2013, languages=("english",))


def ask(
    engine: Engine,
    asked: list[Question],
    ledger: Ledger | None = None,
    rewriter: Rewriter = mesh_query,
    cited: dict[str, set[int]] | None = None,
    hide: bool = False,
    progress: Callable[[], None] = lambda: None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    ledger = ledger or Ledger("search_studies", "queries")
    return search(asked, rewriter, FILTERS, engine, 25, cited or {}, hide, ledger, progress)


def snapshot() -> SnapshotEngine:
    xml = f"<PubmedArticleSet>{''.join(RECORDS.values())}</PubmedArticleSet>"
    return SnapshotEngine(read_records(xml.encode()))


def pubmed(server: EutilsServer, folder: Path) -> PubMedEngine:
    client = PoliteClient(0.0, timeout=2.0, backoff=0.01, attempts=3, seed=0)
    return PubMedEngine(Eutils(server.url, None, GOOD_KEY, client), Cache(folder), folder / "searches")


def test_eight_queries_a_condition_find_what_fits_and_nothing_retracted_or_old(tmp_path: Path) -> None:
    ledger = Ledger("search_studies", "queries")
    with EutilsServer(RECORDS) as server:
        server.pubmed.translations = {"morvane": TRANSLATION}
        table, found = ask(pubmed(server, tmp_path), questions("morvane", "Morvane Syndrome"), ledger)
    assert table["template"].to_list() == list(TEMPLATES)
    assert set(found["pmid"]) == {FIRST, FIRST + 1}
    assert found["pmid"].is_unique().all() and len(server.requests) <= 8
    assert {request.form["sort"] for request in server.requests} == {"relevance"}
    by_template = dict(table.select("template", "query").iter_rows())
    assert '"morvane disease"[MeSH Terms]' in by_template["related"]
    assert '"morvane syndrome"[tiab]' in by_template["synonyms"] and "acute" not in by_template["synonyms"]
    assert ledger.taken == 8 == ledger.kept + sum(one["count"] for one in ledger.as_dict()["left_out"].values())


def test_every_bad_end_has_its_status_and_the_run_goes_on(tmp_path: Path) -> None:
    broken = {"related": "((", "synonyms": "morvane AND", "other_names": "refuse me", "procedure": "a million"}

    def rewriter(question: Question, known: Names) -> str:
        return broken.get(question.template, "morvane" if question.template == "pico" else "nowhere to be seen")

    ledger = Ledger("search_studies", "queries")
    with EutilsServer(RECORDS) as server:
        server.pubmed.counts = {"a million": 1_000_000}
        server.pubmed.refusals = {"refuse me": "Query is too complicated"}
        server.pubmed.records[FIRST + 9] = article(
            FIRST + 9, title="A million of a million", place=(2020, 1, "1"), abstract=""
        )
        table, found = ask(pubmed(server, tmp_path), questions("morvane", "M"), ledger, rewriter=rewriter)
    status = dict(table.select("template", "status").iter_rows())
    assert status == {
        "condition": "nothing found",
        "imaging": "asked before",
        "clinical_evidence": "asked before",
        "related": "no Boolean query: no search term",
        "synonyms": "found",
        "other_names": "refused: Query is too complicated",
        "procedure": "too broad",
        "pico": "asked before",
    }
    assert table.filter(pl.col("template") == "synonyms")["repaired"].item()
    assert FIRST + 9 not in found["pmid"] and FIRST in found["pmid"]
    assert ledger.facts["conditions_without_studies"] == []


def test_a_killed_search_goes_on_and_a_second_one_asks_nothing(tmp_path: Path) -> None:
    asked = questions("morvane", "Morvane Syndrome") + questions("telvic", "Telvic Pain")
    with EutilsServer(RECORDS) as server:
        with pytest.raises(KeyboardInterrupt):
            engine = pubmed(server, tmp_path)
            answered = iter(range(5))

            def interrupt() -> None:
                if next(answered) == 4:
                    raise KeyboardInterrupt

            ask(engine, asked, progress=interrupt)
        before = len(server.requests)
        first = ask(pubmed(server, tmp_path), asked)
        assert 0 < before < len(server.requests) <= 16
        terms = [request.form["term"] for request in server.requests]
        assert len(terms) == len(set(terms))
        for file in list((tmp_path / "searches").rglob("*.json"))[:1]:
            file.write_text("{")  # damaged: asked for again
        second = ask(pubmed(server, tmp_path), asked)
        assert len(server.requests) == len(terms) + 1
    assert all(one.equals(two) for one, two in zip(first, second, strict=True))


def test_faults_of_the_network_change_nothing(tmp_path: Path) -> None:
    asked = questions("morvane", "Morvane Syndrome")
    faults = [fault for one in FAULTS if one != "empty" for fault in (one, None)]
    with EutilsServer(RECORDS, faults=faults, faulty=["esearch.fcgi"], hang=4) as server:
        with_faults = ask(pubmed(server, tmp_path / "a"), asked)
        server.faults = iter(())
        without = ask(pubmed(server, tmp_path / "b"), asked)
    assert all(one.equals(two) for one, two in zip(with_faults, without, strict=True))


def test_what_the_guideline_cites_itself_can_be_hidden_and_recall_is_told() -> None:
    engine = snapshot()
    ledger = Ledger("search_studies", "queries")
    cited = {"morvane": {FIRST, 12345}}
    _, found = ask(engine, questions("morvane", "Morvane Syndrome"), ledger, cited=cited, hide=True)
    hidden = found.filter(pl.col("hidden"))
    assert hidden["pmid"].to_list() == [FIRST] and set(found["pmid"]) == {FIRST, FIRST + 1}
    assert ledger.facts["conditions"]["morvane"]["recall_of_cited"] == 0.5
    _, shown = ask(engine, questions("morvane", "Morvane Syndrome"), cited=cited)
    assert not shown["hidden"].any() and shown["cited"].sum() == 1


def test_the_snapshot_finds_what_the_server_finds(tmp_path: Path) -> None:
    engine = snapshot()
    queries = [
        "morvane AND 2013:3000[dp]",
        "(morvane OR telvic) NOT syndrome",
        '"retracted publication"[pt]',
        "telvic pain",
    ]
    with EutilsServer(RECORDS) as server:
        for query in queries:
            here, there = engine.find(query, 9), pubmed(server, tmp_path).find(query, 9)
            assert (here.hits, set(here.pmids)) == (there.hits, set(there.pmids)), query
    assert engine.find("morvane", 1) == Answer(4, [FIRST + 3], "morvane")


@given(
    st.one_of(st.text(min_size=1, max_size=80), st.lists(st.sampled_from(TITLE), max_size=40).map(" ".join)).filter(
        lambda text: any(letter.isalnum() for letter in text)
    ),
    st.sampled_from(list(TEMPLATES)),
    st.lists(st.text(alphabet="abc xyz", min_size=1).filter(str.strip), max_size=3),
)
def test_every_title_gives_queries_that_need_no_repair(title: str, template: str, headings: list[str]) -> None:
    query = mesh_query(Question("t", title, title, template), Names(tuple(headings), tuple(headings)))
    filtered = str(FILTERS.on(read(query)[0]))
    assert read(filtered) == (read(filtered)[0], False)
    assert filtered.endswith('NOT "retracted publication"[pt]')


def test_titles_are_put_into_plain_words() -> None:
    assert plain_words("Left Telvic Pain-Suspected Ostrel Fever") == "left telvic pain OR ostrel fever"
    assert plain_words("Imaging of AND/OR (Scans)") == "scans"


def test_a_translation_gives_headings_and_the_words_that_are_kin_to_them() -> None:
    assert names(TRANSLATION + ' AND 2013:3000[Date - Publication] NOT "x y"[MeSH Terms]') == Names(
        ("morvane disease",), ("morvane syndrome",)
    )
    assert names("((") == Names()


def test_a_models_query_is_confined_to_imaging_and_no_query_stays_none() -> None:
    assert with_imaging('Query: "morvane" OR scan') == '("morvane" OR scan) AND diagnostic imaging'
    assert with_imaging("((") == "(("


def test_without_an_answer_from_pubmed_the_run_stops_with_a_remedy(tmp_path: Path) -> None:
    with EutilsServer(RECORDS) as server:
        server.pubmed.refusals = {"morvane": "Search Backend failed: temporarily unavailable"}
        with pytest.raises(InputError, match="PubMed's side"):
            ask(pubmed(server, tmp_path), questions("morvane", "Morvane Syndrome"))
