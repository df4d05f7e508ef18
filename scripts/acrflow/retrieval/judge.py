"""Judge what was retrieved against the guideline's own references, per condition and over all.

Every figure is a part of a whole that each condition contributes: over all conditions the parts and the wholes are
summed, and the 95 % interval resamples conditions (percentile bootstrap), as the next conditions would differ.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from acrflow import schemas
from acrflow.io.ledger import Ledger
from acrflow.retrieval.engines import language_code
from acrflow.retrieval.queries import Filters
from acrflow.schemas.retrieval import Judgement
from acrflow.stats.bootstrap import limits, resampled

CUTS = (5, 10, 25, 50, 100)  # k of recall at k
WITH_PMID, FINDABLE = "references with a PMID", "references a search can find"
# of nearly every study, and so of no subject: they would make all topics alike
CHECK_TAGS = frozenset(
    ("Humans", "Animals", "Male", "Female", "Adult", "Young Adult", "Middle Aged", "Aged", "Aged, 80 and over",
     "Adolescent", "Child", "Child, Preschool", "Infant", "Infant, Newborn")
)  # fmt: skip


@dataclass(frozen=True)
class Share:
    """What one condition contributes to a figure: `part` of `whole`, which is 1 where conditions are averaged."""

    topic: str
    metric: str
    part: float
    whole: float
    among: str | None = None
    k: int | None = None


@dataclass(frozen=True)
class Studies:
    """The studies of one side: what guidelines cite, or what was retrieved for their conditions.

    Attributes:
        pmids: topic and pmid, each pair once.
        records, condensed: `schemas.evidence.Records` and `schemas.evidence.Condensed` of them.
    """

    pmids: pl.DataFrame
    records: pl.DataFrame
    condensed: pl.DataFrame

    def headings(self, topic: str) -> Counter[str]:
        """How many of a topic's studies have each MeSH heading, check tags left out."""
        listed = self.pmids.filter(topic=topic).join(self.records.filter(status="received"), on="pmid")["mesh"]
        return Counter(name for mesh in listed for name in mesh if name not in CHECK_TAGS)

    def findings(self, topic: str) -> list[str]:
        """The texts of a topic's studies that have one."""
        studies = self.pmids.filter(topic=topic).join(self.condensed.drop_nulls("text"), on="pmid")
        return studies["text"].to_list()


def findable(references: pl.DataFrame, records: pl.DataFrame, filters: Filters, ledger: Ledger) -> pl.DataFrame:
    """The references that a search with these filters could find; the others are left out with their reason.

    Args:
        references: `schemas.evidence.Pmids`.
        records: `schemas.evidence.Records` of their PMIDs.
        ledger: taken are references, kept those that can be found.

    Returns:
        topic and pmid, each pair once.
    """
    columns = "pmid", "status", "year", "languages", "publication_types", "retracted"
    known = {row["pmid"]: row for row in records.select(columns).iter_rows(named=True)}
    kept = []
    for topic, number, pmid in references.select("topic", "number", "pmid").iter_rows():
        reason = "no PMID" if pmid is None else _beyond_reach(known.get(pmid), filters)
        if reason:
            ledger.leave_out(reason, f"{topic} [{number}]")
        else:
            kept.append((topic, pmid))
    ledger.taken, ledger.kept = references.height, len(kept)
    return pl.DataFrame(kept, schema={"topic": pl.String, "pmid": pl.Int64}, orient="row").unique(maintain_order=True)


def recalls(found: pl.DataFrame, topics: Sequence[str], wanted: Mapping[str, pl.DataFrame]) -> Iterator[Share]:
    """Recall at k: the share of a topic's references among the first k studies found for it, hidden ones included.

    Args:
        found: `schemas.retrieval.Found`, a topic's studies in the order of relevance.
        topics: the conditions asked about.
        wanted: by the name of the kind of references, topic and pmid.
    """
    lists = {topic: found.filter(topic=topic)["pmid"].to_list() for topic in topics}
    longest = max(map(len, lists.values()), default=0)
    for among, references in wanted.items():
        for topic in topics:
            own = set(references.filter(topic=topic)["pmid"])
            for k in (*(cut for cut in CUTS if cut < longest), None):
                yield Share(topic, "recall", len(own.intersection(lists[topic][:k])), len(own), among, k)


def overlaps(retrieved: Studies, cited: Studies, topics: Sequence[str]) -> Iterator[Share]:
    """How alike the MeSH headings of both sides are: Jaccard index of the sets of headings, and cosine of how often
    they come; the same cosine to the references of the other topics tells how much of it is of the topic."""
    ours = {topic: retrieved.headings(topic) for topic in topics}
    theirs = {topic: cited.headings(topic) for topic in topics}
    for topic in topics:
        if ours[topic] and theirs[topic]:
            both, either = ours[topic].keys() & theirs[topic].keys(), ours[topic].keys() | theirs[topic].keys()
            yield Share(topic, "mesh_jaccard", len(both) / len(either), 1)
    names = sorted({name for counts in (*ours.values(), *theirs.values()) for name in counts})
    yield from _likeness(
        "mesh_cosine",
        *({t: np.array([float(c[n]) for n in names]) for t, c in side.items() if c} for side in (ours, theirs)),
    )


def centres(
    retrieved: Studies, cited: Studies, topics: Sequence[str], embed: Callable[[list[str]], np.ndarray]
) -> Iterator[Share]:
    """How far the mean embeddings of both sides' condensed findings are apart (cosine distance), beside the other
    topics' references.

    Args:
        embed: vectors of unit length, shape (texts, dimensions).
    """
    texts = [{topic: side.findings(topic) for topic in topics} for side in (retrieved, cited)]
    means = [{topic: np.asarray(embed(found)).mean(axis=0) for topic, found in side.items() if found} for side in texts]
    for one in _likeness("centre_distance", means[0], means[1]):
        yield one if one.metric.endswith("nearest") else replace(one, part=1 - one.part)


def coverage(rows: Mapping[str, pl.DataFrame], assigned: pl.DataFrame) -> Iterator[Share]:
    """The share of rows that have evidence and the studies per row, retrieved ones beside the guideline's.

    Args:
        rows: split -> `schemas.dataset.Rows`.
        assigned: `schemas.retrieval.Assigned`.
    """
    counts = assigned.group_by("id").agg(retrieved=pl.len())
    for split, table in rows.items():
        joined = table.select("topic", "id", acr=pl.col("evidence").list.len()).join(counts, on="id", how="left")
        joined = joined.with_columns(pl.col("retrieved").fill_null(0))
        for (topic,), group in joined.group_by("topic", maintain_order=True):
            for side in ("retrieved", "acr"):
                yield Share(str(topic), f"rows_with_{side}", int((group[side] > 0).sum()), group.height, split)
                yield Share(str(topic), f"studies_per_row_{side}", int(group[side].sum()), group.height, split)


def table(shares: Sequence[Share], draws: int, seed: int) -> pl.DataFrame:
    """All figures, of each condition and (topic null) over all of them.

    Args:
        draws, seed: of the bootstrap over conditions; fewer than two conditions have no interval.

    Returns:
        `schemas.retrieval.Judgement`.
    """
    groups: dict[tuple[str, str | None, int | None], list[Share]] = {}
    for one in shares:
        groups.setdefault((one.metric, one.among, one.k), []).append(one)
    rows: list[dict[str, Any]] = []
    for (metric, among, k), group in groups.items():
        lines = np.array([(one.part, one.whole) for one in group])
        about = {"metric": metric, "among": among, "k": k}
        rows += [about | _figure(one.topic, np.array([[one.part, one.whole]])) for one in group]
        rows.append(about | _figure(None, lines) | _interval(lines, draws, seed))
    blank = {"low": None, "high": None}
    return pl.DataFrame([blank | row for row in rows], schema=schemas.polars_schema(Judgement))


def facts(judged: pl.DataFrame) -> dict[str, Any]:
    """The figures over all conditions in a few words."""
    return {
        " ".join(str(part) for part in (row["metric"], row["among"], row["k"] and f"at {row['k']}") if part): round(
            row["value"], 4
        )
        for row in judged.filter(pl.col("topic").is_null(), pl.col("value").is_not_null()).iter_rows(named=True)
    }


def _beyond_reach(record: Mapping[str, Any] | None, filters: Filters) -> str | None:
    """Why a search with these filters cannot find a study."""
    if record is None or record["status"] != "received":
        return "no record"
    if record["retracted"]:
        return "retracted"
    if record["year"] is None or not filters.since <= record["year"] <= (filters.until or 3000):
        return "published in another year"
    if filters.languages and not set(map(language_code, filters.languages)) & set(record["languages"]):
        return "in another language"
    types = {name.lower() for name in record["publication_types"]}
    if filters.publication_types and not types & {name.lower() for name in filters.publication_types}:
        return "of another publication type"
    return None


def _likeness(name: str, ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray]) -> Iterator[Share]:
    """Cosines of each topic's vector to its own topic's on the other side, to the others' (mean), and whether its own
    is the nearest."""
    for topic, vector in ours.items():
        if topic not in theirs:
            continue
        own = _cosine(vector, theirs[topic])
        others = [_cosine(vector, other) for place, other in theirs.items() if place != topic]
        yield Share(topic, name, own, 1)
        if others:
            yield Share(topic, f"{name}_others", float(np.mean(others)), 1)
            yield Share(topic, f"{name}_own_nearest", own > max(others), 1)


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def _figure(topic: str | None, lines: np.ndarray) -> dict[str, Any]:
    part, whole = lines.sum(axis=0)
    return {"topic": topic, "value": float(part / whole) if whole else None, "part": float(part), "whole": int(whole)}


def _interval(lines: np.ndarray, draws: int, seed: int) -> dict[str, float | None]:
    """95 % over conditions; none of fewer than two that have something."""
    if (lines[:, 1] > 0).sum() < 2:
        return {}
    sums = resampled(lines, draws, seed)
    low, high = limits(sums[:, 0] / np.where(sums[:, 1] > 0, sums[:, 1], np.nan))
    return {"low": low, "high": high}
