"""Search for the studies of conditions: every query once, cached, with a status; what fails stops no other query."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

import polars as pl

from acrflow import schemas
from acrflow.io.ledger import Ledger
from acrflow.retrieval.boolean import Joined, NoQuery, Term, read
from acrflow.retrieval.engines import Engine
from acrflow.retrieval.queries import IMAGING, Filters, Names, Question, Rewriter, names
from acrflow.schemas.retrieval import Found, Queries

TOO_BROAD = 100_000  # hits from which a query says nothing about a condition
FOUND, NOTHING, BROAD, REFUSED, REPEATED = "found", "nothing found", "too broad", "refused", "asked before"


def search(
    asked: Sequence[Question],
    rewriter: Rewriter,
    filters: Filters,
    engine: Engine,
    most: int,
    cited: Mapping[str, Set[int]],
    hide: bool,
    ledger: Ledger,
    progress: Callable[[], Any] = lambda: None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Ask every question; a topic's first one, the condition alone, also gives PubMed's own names of it.

    Args:
        asked: the questions, those of a topic together (`queries.questions`).
        rewriter: makes a Boolean query of a question.
        filters: what every query is confined to.
        engine: searches.
        most: studies taken per query, the most relevant ones.
        cited: by topic the PMIDs that its guideline cites itself.
        hide: mark those as hidden, so that they are no evidence.
        ledger: taken are queries, kept those that found studies, left out the others with their status.
        progress: called after every question.

    Returns:
        `Queries` and `schemas.retrieval.Found`. A PMID that several queries of a topic found counts once, at its best
        rank.
    """
    rows: list[dict[str, Any]] = []
    found: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    known: dict[str, Names] = defaultdict(Names)
    sent: dict[str, set[str]] = defaultdict(set)
    for question in asked:
        row = _ask(question, rewriter(question, known[question.topic]), filters, engine, most, sent[question.topic])
        if question.template == "condition":
            known[question.topic] = names(row["translation"] or "")
        for rank, pmid in enumerate(row.pop("pmids"), 1):
            study = found[question.topic].setdefault(pmid, {"rank": rank, "templates": []})
            study["rank"] = min(rank, study["rank"])
            study["templates"] += [question.template] if question.template not in study["templates"] else []
        rows.append(row)
        _count(row, ledger)
        progress()
    studies = [
        {"topic": topic, "pmid": pmid, **study, "cited": own, "hidden": own and hide}
        for topic, pmids in found.items()
        for pmid, study in sorted(pmids.items(), key=lambda pair: (pair[1]["rank"], -len(pair[1]["templates"])))
        for own in [pmid in cited.get(topic, ())]
    ]
    queries = pl.DataFrame(rows, schema=schemas.polars_schema(Queries))
    table = pl.DataFrame(studies, schema=schemas.polars_schema(Found))
    ledger.facts |= facts(queries, table, cited)
    return queries, table


def facts(queries: pl.DataFrame, found: pl.DataFrame, cited: Mapping[str, Set[int]]) -> dict[str, Any]:
    """How each condition fared: queries by status, studies, and the share of the guideline's own studies among them."""
    conditions = {}
    for topic in queries["topic"].unique(maintain_order=True):
        studies = found.filter(pl.col("topic") == topic)
        own = len(cited.get(topic, ()))
        conditions[topic] = {
            "queries": dict(sorted(Counter(queries.filter(pl.col("topic") == topic)["status"]).items())),
            "studies": len(studies),
            "hidden": studies["hidden"].sum(),
            "cited": own,
            "recall_of_cited": round(studies["cited"].sum() / own, 4) if own else None,
        }
    nothing = [topic for topic, facts in conditions.items() if facts["studies"] == facts["hidden"]]
    return {"conditions_without_studies": nothing, "conditions": conditions}


def _ask(question: Question, text: str, filters: Filters, engine: Engine, most: int, sent: set[str]) -> dict[str, Any]:
    """The row of one question, with the PMIDs that it found."""
    row: dict[str, Any] = {
        "topic": question.topic,
        "condition": question.condition,
        "procedure": question.procedure,
        "template": question.template,
        "text": question.text,
        "query": None,
        "repaired": False,
        "translation": None,
        "hits": 0,
        "pmids": [],
    }
    try:
        query, row["repaired"] = read(text)
    except NoQuery as error:
        return row | {"status": f"no Boolean query: {error}"}
    row["query"] = str(filters.on(query))
    if row["query"] in sent:
        return row | {"status": REPEATED}
    sent.add(row["query"])
    answer = engine.find(row["query"], most)
    row |= {"translation": answer.translation or None, "hits": answer.hits}
    if answer.refused:
        return row | {"status": f"{REFUSED}: {answer.refused}"}
    if not answer.pmids:
        return row | {"status": NOTHING}
    if answer.hits > TOO_BROAD:
        return row | {"status": BROAD}
    return row | {"status": FOUND, "pmids": answer.pmids}


def _count(row: dict[str, Any], ledger: Ledger) -> None:
    ledger.taken += 1
    if row["status"] == FOUND:
        ledger.kept += 1
    else:
        ledger.leave_out(row["status"], f"{row['topic']}: {row['template']}")


def with_imaging(text: str) -> str:
    """A model's query confined to imaging, as the paper does; one that is no query stays as it is, to be rejected."""
    try:
        query, _ = read(text)
    except NoQuery:
        return text
    return str(Joined("AND", query, Term(IMAGING)))


def fetchable(found: pl.DataFrame) -> Iterable[int]:
    """The PMIDs whose records are wanted: found and not hidden for every topic, each once."""
    return sorted(set(found.filter(~pl.col("hidden"))["pmid"]))
