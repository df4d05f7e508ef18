"""What a study's record says of its quality, as numbers: publication types, year, journal, wording, MeSH."""

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from acrflow.io.errors import InputError

TYPES = (
    "Randomized Controlled Trial", "Controlled Clinical Trial", "Clinical Trial", "Meta-Analysis", "Systematic Review",
    "Review", "Practice Guideline", "Guideline", "Comparative Study", "Evaluation Study", "Validation Study",
    "Multicenter Study", "Observational Study", "Case Reports", "Editorial", "Letter", "Comment",
)  # fmt: skip
HEADINGS = (
    "Prospective Studies", "Retrospective Studies", "Cohort Studies", "Case-Control Studies", "Cross-Sectional Studies",
    "Follow-Up Studies", "Double-Blind Method", "Single-Blind Method", "Sensitivity and Specificity",
    "Predictive Value of Tests", "ROC Curve", "Reproducibility of Results", "Observer Variation",
)  # fmt: skip
# cues of design and reporting, after STARD 2015 (doi:10.1136/bmj.h5527) and the paper's own list
CUES = {
    "randomised": r"\brandomi[sz]",
    "blinded": r"\bblind(?:ed|ing)?\b|\bmasked\b",
    "prospective": r"\bprospective",
    "retrospective": r"\bretrospective",
    "multicentre": r"\bmulti-?(?:cent|instit)",
    "consecutive": r"\bconsecutive\b",
    "comparator": r"\bcompar(?:ed|ison|ing)\b|\bversus\b|\bvs\b",
    "reference_standard": r"\b(?:reference|gold|criterion) standard\b",
    "accuracy": r"\bsensitivit|\bspecificit|\bpredictive value|\baccuracy\b|\broc\b|\bauc\b|\blikelihood ratio",
    "confidence_interval": r"\bconfidence interval|\b95 ?% ?ci\b|\bci\b",
    "significance": r"\bp ?[<=>] ?0?\.\d|\bsignifican",
    "agreement": r"\bkappa\b|\binter-?(?:observer|reader|rater)|\bintraclass",
    "systematic": r"\bsystematic(?:ally)? review|\bmeta-?analy|\bpooled\b|\bprisma\b",
    "review": r"\breview(?:s|ed)?\b|\boverview\b|\bupdate\b|\bdiscuss",
    "case_report": r"\bcase report|\bwe report a\b|\bcase series\b",
    "guideline": r"\bguideline|\bconsensus\b|\brecommendation",
}
NUMBERS = ("year", "journal_rank", "sample_size", "words", "no_abstract", "structured")
TYPE_COLUMNS = tuple(f"type: {name}" for name in TYPES)
COLUMNS = (
    *TYPE_COLUMNS,
    *(f"mesh: {name}" for name in HEADINGS),
    *(f"cue: {name}" for name in CUES),
    *NUMBERS,
)

_CUES = [re.compile(pattern) for pattern in CUES.values()]
_SAMPLE = re.compile(
    r"\b(\d{1,3}(?:,\d{3})+|\d{1,7})\s(?:\w+[\s-]){0,3}?(?:patients|subjects|participants|cases|adults|women|men"
    r"|children|examinations|scans|studies)\b"
)


def features(records: Iterable[Mapping[str, Any]], ranks: Mapping[str, float] | None = None) -> np.ndarray:
    """One row per record.

    Args:
        records: rows of `schemas.evidence.Records`.
        ranks: SJR by journal (`read_sjr`); None: no table, and the rank is not known of any journal.

    Returns:
        float32, shape (records, `COLUMNS`); NaN where a year or rank is not known.
    """
    rows = [_row(record, ranks or {}) for record in records]
    return np.array(rows, dtype=np.float32).reshape(len(rows), len(COLUMNS))


def read_sjr(path: Path) -> dict[str, float]:
    """The journal ranks of a table of scimagojr.com (CSV with semicolons, columns Title and SJR, decimal commas).

    Returns:
        SJR by `journal_key`; journals without a rank are not in it.

    Raises:
        InputError: no such table.
    """
    try:
        table = pl.read_csv(path, separator=";", infer_schema=False, truncate_ragged_lines=True)
        pairs = table.select("Title", "SJR").drop_nulls().rows()
        return {journal_key(title): float(rank.replace(",", ".")) for title, rank in pairs if rank.strip()}
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        remedy = "download the table of all journals from scimagojr.com as CSV, or set retrieval.sjr to null"
        raise InputError(path, f"no table of journal ranks: {error}", remedy) from None


def journal_key(title: str) -> str:
    """A journal's name without case, punctuation, and what stands in brackets ("Radiology (Boston)")."""
    plain = re.sub(r"\([^)]*\)|[.:=/].*", " ", title.lower()).replace("&", "and")
    return " ".join(word for word in re.findall(r"\w+", plain) if word != "the")


def sample_size(text: str) -> int:
    """The largest number of patients (or scans, or studies) that a lower-case text counts; 0 if none."""
    return max((int(found.replace(",", "")) for found in _SAMPLE.findall(text)), default=0)


def _row(record: Mapping[str, Any], ranks: Mapping[str, float]) -> list[float]:
    sections = record["sections"] or []
    abstract = " ".join(one["text"] for one in sections if one["text"]).lower()
    text = f"{(record['title'] or '').lower()} {abstract}"
    types, mesh = set(record["publication_types"]), set(record["mesh"])
    rank = ranks.get(journal_key(record["journal"] or ""))
    return [
        *(name in types for name in TYPES),
        *(name in mesh for name in HEADINGS),
        *(cue.search(text) is not None for cue in _CUES),
        math.nan if record["year"] is None else record["year"],
        math.nan if rank is None else math.log10(rank + 0.01),
        math.log10(1 + sample_size(text)),
        math.log10(1 + len(abstract.split())),
        not abstract,
        len(sections) > 1,
    ]
