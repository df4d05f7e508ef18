"""The table of grades."""

from collections import Counter
from collections.abc import Mapping

import polars as pl

from acrflow import schemas
from acrflow.guideline.study_quality import RANK
from acrflow.io.ledger import Ledger
from acrflow.retrieval.features import features
from acrflow.retrieval.quality import Grader, grade
from acrflow.schemas.retrieval import Grades


def grade_records(
    records: pl.DataFrame, grader: Grader | None, ranks: Mapping[str, float] | None, ledger: Ledger
) -> pl.DataFrame:
    """Grade every record; one without an abstract is graded by what is left of it, and says so.

    Args:
        records: `schemas.evidence.Records`.
        grader: None: there were too few studies to learn from, and none is graded.
        ranks: SJR by journal.
        ledger: taken are PMIDs, kept those graded, left out those without a record.

    Returns:
        `schemas.retrieval.Grades`, sorted as the records.
    """
    ledger.taken, received = len(records), records.filter(status="received")
    if grader is None:
        ledger.leave_out("no grader: too few graded studies to learn from", "all of them", len(records))
        return pl.DataFrame(schema=schemas.polars_schema(Grades))
    for pmid in records.filter(status="absent")["pmid"]:
        ledger.leave_out("no record", str(pmid))
    said = grade(grader, features(received.iter_rows(named=True), ranks))
    table = received.select("pmid", without_abstract=pl.col("sections").list.len() == 0).with_columns(
        grade=pl.Series(said["grade"], dtype=pl.String),
        strong=pl.Series(said["strong"], dtype=pl.Boolean),
        chance_of_strong=pl.Series(said["chance"], dtype=pl.Float64),
        mean_rank=pl.Series(said["rank"], dtype=pl.Float64).clip(min(RANK.values()), max(RANK.values())),
    )
    ledger.kept = len(table)
    ledger.facts = {
        "strong": table["strong"].sum(),
        "without_abstract": table["without_abstract"].sum(),
        "grades": dict(sorted(Counter(table["grade"]).items())),
    }
    return table.select(schemas.polars_schema(Grades).keys())
