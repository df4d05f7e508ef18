"""Let a language model condense abstracts, and believe it only where every number it writes is in the abstract."""

from typing import Any

import polars as pl

from acrflow.inference.backend import Conversation, Decoding
from acrflow.inference.cache import CachedModel, Progress, longest_first
from acrflow.io.ledger import Ledger
from acrflow.text.numbers import unsupported_numbers

SYSTEM = (
    "You condense abstracts of medical studies. Keep the results and the conclusions, with every number, confidence "
    "interval and comparison as it is printed. Leave out background, aims and methods. Add nothing, and no opinion."
)


USER = "Title: {title}\n\n{abstract}\n\nResults and conclusions, in plain sentences without headings:"


def rewrite(
    condensed: pl.DataFrame,
    records: pl.DataFrame,
    model: CachedModel,
    decoding: Decoding,
    ledger: Ledger,
    progress: Progress = lambda abstracts: None,
) -> pl.DataFrame:
    """Put a model's condensed text in the place of the rule's wherever it stands the check.

    Args:
        condensed: `schemas.evidence.Condensed`, as the rule made it; studies without a text stay without.
        records: `schemas.evidence.Records` of the same PMIDs.
        model: condenses; a killed run continues with what is cached.
        decoding: greedy, with a length limit.
        ledger: taken are texts, kept are rewritten ones; left out, by reason, are those where the rule's text stays.
        progress: called with the number of abstracts done, those found in the cache included.

    Returns:
        The same rows; `rewritten` says where the model's text stands.
    """
    abstracts = {record["pmid"]: record for record in records.iter_rows(named=True)}
    rows = condensed.to_dicts()
    prompts = {row["pmid"]: conversation(abstracts[row["pmid"]]) for row in rows if row["text"]}
    answers = model.complete(longest_first(prompts), decoding, progress)
    for row in rows:
        if row["pmid"] not in answers:
            continue
        ledger.taken += 1
        source, answer = source_text(abstracts[row["pmid"]]), answers[row["pmid"]]
        text = " ".join(answer.text.split())
        if why := "cut at the length limit" if answer.truncated else why_not(text, source):
            ledger.leave_out(why, str(row["pmid"]))
        else:
            row |= {"text": text, "words_after": len(text.split()), "rewritten": True}
            ledger.kept += 1
    changed = pl.DataFrame(rows, schema=condensed.schema)
    ledger.facts["words_of_the_rule"] = condensed["words_after"].sum()
    ledger.facts["words_after"] = changed["words_after"].sum()
    return changed


def conversation(record: dict[str, Any]) -> Conversation:
    """What the model is asked about one record."""
    user = USER.format(title=record["title"] or "", abstract=source_text(record))
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": user}]


def source_text(record: dict[str, Any]) -> str:
    """The whole abstract with its labels, a section a line."""
    sections = record["sections"]
    return "\n".join(f"{one['label']}: {one['text']}" if one["label"] else one["text"] for one in sections)


def why_not(text: str, source: str) -> str | None:
    """Why a condensed text is not believed; None if it is."""
    if not text:
        return "empty answer"
    if len(text.split()) > len(source.split()):
        return "longer than the abstract"
    return "a number that is not in the abstract" if unsupported_numbers(text, source) else None
