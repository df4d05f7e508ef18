"""Judging what was retrieved by a guideline's own references: recall, MeSH, embedding centres, rows with evidence."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acrflow import schemas
from acrflow.io.ledger import Ledger
from acrflow.retrieval import judge
from acrflow.retrieval.judge import FINDABLE, WITH_PMID, Share, Studies
from acrflow.retrieval.queries import Filters
from acrflow.schemas.evidence import Records
from acrflow.schemas.retrieval import Found, Judgement

FILTERS = Filters(2013, 2025, ("english", "german"), ("Clinical Trial",))


def found(**lists: list[int]) -> pl.DataFrame:
    rows = [
        {"topic": topic, "pmid": pmid, "rank": rank, "templates": ["condition"], "cited": False, "hidden": False}
        for topic, pmids in lists.items()
        for rank, pmid in enumerate(pmids, 1)
    ]
    return pl.DataFrame(rows, schema=schemas.polars_schema(Found))


def cited(**lists: list[int]) -> pl.DataFrame:
    pairs = [(topic, pmid) for topic, pmids in lists.items() for pmid in pmids]
    return pl.DataFrame(pairs, schema={"topic": pl.String, "pmid": pl.Int64}, orient="row")


def record(pmid: int, **changed: Any) -> dict[str, Any]:
    return {
        "pmid": pmid, "status": "received", "title": "T", "journal": None, "year": 2020, "mesh": [], "sections": [],
        "publication_types": ["Clinical Trial"], "languages": ["eng"], "retracted": False, "notices": [],
        "other_abstracts": [],
    } | changed  # fmt: skip


def records(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=schemas.polars_schema(Records))


def condensed(**texts: str | None) -> pl.DataFrame:
    frame = pl.DataFrame({"pmid": [int(key[1:]) for key in texts], "text": list(texts.values())})
    return frame.with_columns(pl.col("text").cast(pl.String))


def values(shares: list[Share]) -> dict[tuple[str, str, int | None], float]:
    return {(one.metric, one.topic, one.k): one.part / one.whole for one in shares}


def test_recall_counts_the_references_among_the_first_k() -> None:
    lists = found(a=[*range(1, 31)], b=[100, 101])
    wanted = {WITH_PMID: cited(a=[1, 5, 6, 30, 999], b=[101]), FINDABLE: cited(a=[1, 5, 6, 30], b=[])}
    judged = judge.table([*judge.recalls(lists, ["a", "b"], wanted)], draws=50, seed=0)
    Judgement.validate(judged)
    told = {
        (row["topic"], row["among"], row["k"]): (row["part"], row["whole"], row["value"])
        for row in judged.iter_rows(named=True)
    }
    assert {k for _, _, k in told} == {5, 10, 25, None}  # no list is of 50
    assert told["a", WITH_PMID, 5] == (2, 5, 0.4) and told["a", WITH_PMID, 10] == (3, 5, 0.6)
    assert told["a", WITH_PMID, None] == (4, 5, 0.8) and told["a", FINDABLE, None] == (4, 4, 1.0)
    assert told["b", WITH_PMID, 5] == (1, 1, 1.0) and told["b", FINDABLE, 5] == (0, 0, None)
    assert told[None, WITH_PMID, 5] == (3, 6, 0.5)


def test_a_reference_that_no_search_can_find_is_named_with_its_reason() -> None:
    rows = [
        record(1), record(2, year=1999), record(3, year=None), record(4, languages=["fre"]), record(5, retracted=True),
        record(6, publication_types=["Review"]), record(7, status="absent"), record(9, languages=["ger", "fre"]),
    ]  # fmt: skip
    references = pl.DataFrame(
        {"topic": ["a"] * 10, "number": range(1, 11), "pmid": [1, 2, 3, 4, 5, 6, 7, None, 9, 9]},
    )
    ledger = Ledger("judge_retrieval", "references")
    kept = judge.findable(references, records(*rows), FILTERS, ledger)
    assert kept.rows() == [("a", 1), ("a", 9)]
    left = {reason: one["examples"] for reason, one in ledger.as_dict()["left_out"].items()}
    assert left == {
        "published in another year": ["a [2]", "a [3]"],
        "in another language": ["a [4]"],
        "retracted": ["a [5]"],
        "of another publication type": ["a [6]"],
        "no record": ["a [7]"],
        "no PMID": ["a [8]"],
    }
    assert ledger.taken == 10 == ledger.kept + 7


def sides() -> tuple[Studies, Studies]:
    ours = Studies(
        cited(a=[1, 2], b=[3], c=[]),
        records(record(1, mesh=["Humans", "Fever", "Knee"]), record(2, mesh=["Fever"]), record(3, mesh=["Head"])),
        condensed(p1="fever", p2=None, p3="head"),
    )
    theirs = Studies(
        cited(a=[11], b=[12, 13], c=[14]),
        records(
            record(11, mesh=["Humans", "Fever", "Adult"]), record(12, mesh=["Head"]),
            record(13, status="absent", mesh=["Nothing"]), record(14, mesh=["Knee"]),
        ),
        condensed(p11="fever", p12="head", p13="head", p14="knee"),
    )  # fmt: skip
    return ours, theirs


def test_overlap_by_mesh_leaves_out_what_nearly_every_study_has() -> None:
    told = values([*judge.overlaps(*sides(), ["a", "b", "c"])])
    assert told["mesh_jaccard", "a", None] == 0.5 and told["mesh_jaccard", "b", None] == 1.0
    assert told["mesh_cosine", "a", None] == pytest.approx(2 / 5**0.5)
    assert told["mesh_cosine_others", "a", None] == pytest.approx(1 / 5**0.5 / 2)
    assert told["mesh_cosine_own_nearest", "a", None] == 1
    assert not [key for key in told if key[1] == "c"]  # nothing was found for it


def test_centres_are_compared_with_the_other_topics_as_a_yardstick() -> None:
    vectors = {"fever": (1.0, 0.0, 0.0), "head": (0.0, 1.0, 0.0), "knee": (0.0, 0.6, 0.8)}

    def embed(texts: list[str]) -> np.ndarray:
        return np.array([vectors[text] for text in texts])

    told = values([*judge.centres(*sides(), ["a", "b", "c"], embed)])
    assert told["centre_distance", "a", None] == pytest.approx(0) == told["centre_distance", "b", None]
    assert told["centre_distance_others", "b", None] == pytest.approx((1 + 0.4) / 2)
    assert told["centre_distance_own_nearest", "b", None] == 1
    assert not [key for key in told if key[1] == "c"]


def test_rows_with_evidence_are_counted_beside_acrs() -> None:
    shown = [{"number": 1, "pmid": 7, "text": "x"}]
    rows = pl.DataFrame({"topic": ["a", "a", "b"], "id": ["1", "2", "3"], "evidence": [shown, [], []]})
    assigned = pl.DataFrame({"id": ["2", "2", "3", "elsewhere"], "pmid": [7, 8, 7, 9]})
    judged = judge.table([*judge.coverage({"test": rows}, assigned)], draws=20, seed=0)
    over_all = {row["metric"]: row["value"] for row in judged.filter(pl.col("topic").is_null()).iter_rows(named=True)}
    assert over_all == {
        "rows_with_retrieved": pytest.approx(2 / 3),
        "studies_per_row_retrieved": 1.0,
        "rows_with_acr": pytest.approx(1 / 3),
        "studies_per_row_acr": pytest.approx(1 / 3),
    }
    assert set(judged["among"]) == {"test"} and set(judged["whole"]) == {1, 2, 3}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12))
def test_intervals_hold_their_figure_and_need_two_conditions(pairs: list[tuple[int, int]]) -> None:
    shares = [Share(str(place), "recall", min(pair), max(pair)) for place, pair in enumerate(pairs)]
    last = judge.table(shares, draws=200, seed=1).row(-1, named=True)
    assert last["topic"] is None
    if sum(max(pair) > 0 for pair in pairs) < 2:
        assert last["low"] is None is last["high"]
    else:
        assert 0 <= last["low"] <= last["high"] <= 1
        ratios = [min(pair) / max(pair) for pair in pairs if max(pair)]
        assert min(ratios) - 1e-9 <= last["low"] and last["high"] <= max(ratios) + 1e-9
        assert min(ratios) - 1e-9 <= last["value"] <= max(ratios) + 1e-9


def test_a_run_without_any_study_is_judged_too() -> None:
    ledger = Ledger("judge_retrieval", "references")
    empty = Studies(cited(), records(), condensed())
    wanted = {FINDABLE: judge.findable(pl.DataFrame(schema={"topic": pl.String, "number": pl.Int64, "pmid": pl.Int64}),
                                       records(), FILTERS, ledger)}  # fmt: skip
    shares = [*judge.recalls(found(), ["a"], wanted), *judge.overlaps(empty, empty, ["a"])]
    judged = judge.table(shares, draws=9, seed=0)
    assert judged.filter(metric="recall")["value"].to_list() == [None, None]
    assert judge.facts(judged) == {}
