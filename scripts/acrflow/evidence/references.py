"""From the references printed in a guideline to PMIDs."""

from collections import Counter
from collections.abc import Callable, Iterable

import polars as pl

from acrflow import schemas
from acrflow.guideline.model import Guideline, RowReference
from acrflow.ledger import EXAMPLES, Ledger

LARGEST_PMID = 99_999_999  # PMIDs have 1 to 8 digits


def is_pmid(number: int | None) -> bool:
    """Whether a number can be a PMID: positive, at most eight digits."""
    return number is not None and 0 < number <= LARGEST_PMID


def list_references(guidelines: Iterable[Guideline], ledger: Ledger) -> pl.DataFrame:
    """One row per topic and reference number, from the rows that cite it and from the bibliography.

    Rows of a topic may disagree on a reference. The value that most rows print is taken, a usable PMID before an
    unusable one, and the ledger's fact `conflicts` counts and names them.

    Args:
        guidelines: the parsed topics.
        ledger: taken and kept are references; left out are those without a PMID, by reason.

    Returns:
        `schemas.Pmids`, by topic in the given order, then by number. Status `given`: the appendix prints a PMID;
        `not_a_pmid`: it prints something else; `not_found`: it prints nothing.
    """
    rows = []
    conflicts: dict[str, list[str]] = {"pmid": [], "study_quality": []}
    for guideline in guidelines:
        citations = {entry.number: entry.citation for entry in guideline.bibliography}
        cited: dict[int, list[RowReference]] = {number: [] for number in citations}
        for variant in guideline.variants:
            for row in variant.rows:
                for reference in row.references:
                    cited.setdefault(reference.number, []).append(reference)
        for number in sorted(cited):
            name = f"{guideline.topic} [{number}]"
            printings = cited[number]
            printed = _settle(printings, lambda r: r.printed, name, conflicts["pmid"], prefer=_usable)
            pmid = next((r.pmid for r in printings if r.printed == printed and is_pmid(r.pmid)), None)
            status = "given" if pmid else "not_found" if printed is None else "not_a_pmid"
            quality = _settle(printings, lambda r: r.study_quality, name, conflicts["study_quality"])
            rows.append((guideline.topic, number, pmid, status, printed, quality, citations.get(number)))
            ledger.taken += 1
            if status == "given":
                ledger.kept += 1
            else:
                reason = "not a PMID" if printed else "no PMID printed" if printings else "cited by no appendix row"
                ledger.leave_out(reason, name)
    frame = pl.DataFrame(rows, schema=schemas.polars_schema(schemas.Pmids), orient="row")
    given = frame.filter(pl.col("status") == "given")
    ledger.facts["topics"] = frame["topic"].n_unique()
    ledger.facts["distinct_pmids"] = given["pmid"].n_unique()
    ledger.facts["conflicts"] = {
        column: {"count": len(named), "examples": named[:EXAMPLES]} for column, named in conflicts.items()
    }
    return frame


def _usable(reference: RowReference) -> bool:
    return is_pmid(reference.pmid)


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
