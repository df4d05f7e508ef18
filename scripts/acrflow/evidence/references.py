"""From the references printed in a guideline to PMIDs."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import polars as pl

from acrflow import schemas
from acrflow.evidence.citation import read_citation
from acrflow.evidence.matching import Match
from acrflow.guideline.model import Guideline, RowReference
from acrflow.io.ledger import EXAMPLES, Ledger
from acrflow.schemas.evidence import Pmids
from acrflow.text.citations import pmid_of

Search = Callable[[Sequence[str]], list[Match]]  # printed citations to matches


def list_references(guidelines: Iterable[Guideline], ledger: Ledger, search: Search | None = None) -> pl.DataFrame:
    """One row per topic and reference number, from the rows that cite it, the bibliography and the evidence table.

    Rows of a topic may disagree on a reference. The value that most rows print is taken, a usable PMID before an
    unusable one, and the ledger's fact `conflicts` counts and names them.

    Args:
        guidelines: the parsed topics.
        ledger: taken and kept are references; left out are those without a PMID, by reason.
        search: looks for the studies whose PMID is not printed by their citation; None looks for none.

    Returns:
        `Pmids`, by topic in the given order, then by number. Status `given`: the appendix prints a PMID;
        `matched`: the search found the study, and it alone; `ambiguous`: several studies fit the citation;
        `not_a_pmid`: the appendix prints something else, and the search found nothing; `not_found`: it prints nothing.
    """
    conflicts: dict[str, list[str]] = {"pmid": [], "study_quality": []}
    rows = [row for guideline in guidelines for row in _references(guideline, conflicts)]
    searched = [row for row in rows if row["pmid"] is None and row["citation"]] if search else []
    matches = search([row["citation"] for row in searched]) if search and searched else []
    for row, match in zip(searched, matches, strict=True):
        row |= {"pmid": match.pmid, "looked_up": match.by}
        row["status"] = row["status"] if match.status == "not_found" else match.status
    found_by = Counter(match.by for match in matches if match.pmid)
    for row in rows:
        ledger.taken += 1
        if row["pmid"]:
            ledger.kept += 1
        else:
            ledger.leave_out(_why_not(row), _name(row))
    frame = pl.DataFrame(rows, schema=schemas.polars_schema(Pmids))
    ledger.facts["topics"] = frame["topic"].n_unique()
    ledger.facts["distinct_pmids"] = frame["pmid"].drop_nulls().n_unique()
    ledger.facts["looked_up"] = sum(bool(match.by) for match in matches)
    ledger.facts["matched_by"] = dict(sorted(found_by.items()))
    ledger.facts["matched"] = [f"{_name(row)}: {row['pmid']}" for row in rows if row["status"] == "matched"]
    ledger.facts["conflicts"] = {
        column: {"count": len(named), "examples": named[:EXAMPLES]} for column, named in conflicts.items()
    }
    return frame


def _references(guideline: Guideline, conflicts: dict[str, list[str]]) -> list[dict[str, Any]]:
    """The rows of one topic, before any search; `cited` says whether a row of the appendix cites the reference."""
    narrative = {entry.number: entry.citation for entry in guideline.bibliography}
    table = {study.number: study.citation for study in guideline.studies}
    graded = {study.number: study.study_quality for study in guideline.studies}
    cited: dict[int, list[RowReference]] = {number: [] for number in narrative | table}
    for variant in guideline.variants:
        for row in variant.rows:
            for reference in row.references:
                cited.setdefault(reference.number, []).append(reference)
    rows = []
    for number, printings in sorted(cited.items()):
        name = f"{guideline.topic} [{number}]"
        printed = _settle(printings, lambda r: r.printed, name, conflicts["pmid"], prefer=_usable)
        pmid = next((r.pmid for r in printings if r.printed == printed and pmid_of(r.pmid)), None)
        rows.append(
            {
                "topic": guideline.topic,
                "number": number,
                "pmid": pmid,
                "status": "given" if pmid else "not_found" if printed is None else "not_a_pmid",
                "printed": printed,
                "study_quality": _settle(printings, lambda r: r.study_quality, name, conflicts["study_quality"])
                or graded.get(number),
                "citation": _citation(narrative.get(number), table.get(number)),
                "cited": bool(printings),
            }
        )
    return rows


def _citation(narrative: str | None, table: str | None) -> str | None:
    """The narrative's citation, unless only the evidence table's says where the study was printed."""
    placed = (text for text in (narrative, table) if text and read_citation(text).has_place)
    return next(placed, narrative or table)


def _name(row: dict[str, Any]) -> str:
    return f"{row['topic']} [{row['number']}]"


def _why_not(row: dict[str, Any]) -> str:
    """Why a reference has no PMID: what the appendix prints, and what the search said."""
    printed = "not a PMID" if row["printed"] else "no PMID printed" if row["cited"] else "cited by no appendix row"
    return f"{printed}; {row['looked_up']}" if row.get("looked_up") else printed


def _usable(reference: RowReference) -> bool:
    return pmid_of(reference.pmid) is not None


def _settle(
    printings: list[RowReference],
    value: Callable[[RowReference], str | None],
    name: str,
    conflicts: list[str],
    prefer: Callable[[RowReference], bool] = lambda reference: True,
) -> str | None:
    """The value that most rows print, preferred ones first and the first printed at a tie; None if none prints any."""
    counts = Counter(text for reference in printings if (text := value(reference)) is not None)
    if len(counts) > 1:
        conflicts.append(f"{name}: " + ", ".join(f"{text} in {rows} rows" for text, rows in counts.most_common()))
    preferred = Counter(t for r in printings if prefer(r) and (t := value(r)) is not None)
    best = (preferred or counts).most_common(1)
    return best[0][0] if best else None
