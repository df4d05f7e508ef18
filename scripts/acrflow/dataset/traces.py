"""Traces: the reasoning of a row as one-fact sentences, in the document's order, each with its citations.

pysbd proposes where sentences end; it is good at prose and brackets and knows little of citations. The rules below
refuse a cut after "et al." and its kin and before a lower-case word, and move a cut that would part a sentence from
the [n] behind its full stop. Whatever pysbd proposes, no character is lost: where its pieces do not add up to the
text (it drops text that holds the signs it uses internally), the paragraph stays one trace and is counted.
"""

import polars as pl

from acrflow import schemas
from acrflow.io.ledger import Ledger
from acrflow.schemas.dataset import Traces
from acrflow.text.citations import citations
from acrflow.text.sentences import split_all


def extract(guidelines: pl.DataFrame, ledger: Ledger, workers: int = 1) -> pl.DataFrame:
    """The traces of every row that has reasoning.

    Args:
        guidelines: one row per condition x variant x procedure (`schemas.guideline.Guidelines`).
        ledger: gets the rows without reasoning, and as facts the number of traces and of paragraphs left whole.
        workers: processes that split (`split_all`).

    Returns:
        One row per trace (`schemas.dataset.Traces`), positions from 0 in the order of the text.
    """
    traces: list[dict[str, object]] = []
    unsplit: set[str] = set()
    splits = split_all(guidelines["reasoning"].fill_null(""), workers)
    for row in guidelines.iter_rows(named=True):
        ledger.taken += 1
        split = splits[row["reasoning"] or ""]
        if not split.sentences:
            ledger.leave_out("no reasoning", f"{row['topic']}: variant {row['variant_number']}, {row['procedure']}")
            continue
        ledger.kept += 1
        if split.unsplit:
            unsplit.add(row["reasoning"])
        for position, trace in enumerate(split.sentences):
            traces.append({"id": row["id"], "position": position, "trace": trace, "citations": citations(trace)})
    ledger.facts = {
        "traces": len(traces),
        "traces_with_citation": sum(bool(trace["citations"]) for trace in traces),
        "texts_with_a_paragraph_left_whole": len(unsplit),
    }
    return pl.DataFrame(traces, schema=schemas.polars_schema(Traces))
