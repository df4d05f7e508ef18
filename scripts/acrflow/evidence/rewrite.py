"""Let a language model condense abstracts, and believe it only where every number it writes is in the abstract."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from acrflow.generation.base import Backend, Conversation, Decoding
from acrflow.generation.kept import Progress, generate_kept
from acrflow.ledger import Ledger

SYSTEM = (
    "You condense abstracts of medical studies. Keep the results and the conclusions, with every number, confidence "
    "interval and comparison as it is printed. Leave out background, aims and methods. Add nothing, and no opinion."
)
USER = "Title: {title}\n\n{abstract}\n\nResults and conclusions, in plain sentences without headings:"

_NUMBER = re.compile(r"(?<!\d)[.·]?\d+(?:[,·.]\d+)*")
_NUMBER_WORD = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|half|third|quarter|twice|\w+teen"
    r"|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand)\b",
    re.IGNORECASE,
)


def rewrite(
    condensed: pl.DataFrame,
    records: pl.DataFrame,
    open_backend: Callable[[], Backend],
    decoding: Decoding,
    batch: int,
    kept: Path,
    identity: dict[str, Any],
    ledger: Ledger,
    progress: Progress = lambda abstracts: None,
) -> pl.DataFrame:
    """Put a model's condensed text in the place of the rule's wherever it stands the check.

    Args:
        condensed: `schemas.Condensed`, as the rule made it; studies without a text stay without.
        records: `schemas.Records` of the same PMIDs.
        open_backend: loads the model; called only if an abstract is left to do.
        decoding: greedy, with a length limit.
        batch: abstracts generated at once.
        kept: JSON lines of what was generated; a killed run continues there.
        identity: what decides the model's texts; those of another identity are not used.
        ledger: taken are texts, kept are rewritten ones; left out, by reason, are those where the rule's text stays.
        progress: called with the number of abstracts done, those found in `kept` included.

    Returns:
        The same rows; `rewritten` says where the model's text stands.
    """
    abstracts = {record["pmid"]: record for record in records.iter_rows(named=True)}
    rows = condensed.to_dicts()
    asked = {row["pmid"]: conversation(abstracts[row["pmid"]]) for row in rows if row["text"]}
    answers = generate_kept(asked, open_backend, decoding, batch, kept, identity, progress)
    for row in rows:
        if row["pmid"] not in answers:
            continue
        ledger.taken += 1
        source, (generated, truncated) = source_text(abstracts[row["pmid"]]), answers[row["pmid"]]
        text = " ".join(generated.split())
        if why := "cut at the length limit" if truncated else why_not(text, source):
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


def unsupported_numbers(text: str, source: str) -> list[str]:
    """The numbers of a text that its source does not have, in figures or words.

    1,234 is 1234, .5 and 0.50 are 0.5; a number in words must stand in words.

    >>> unsupported_numbers("Seen in 1234 of 2000 (61 %), twice.", "Seen in 1,234 of 2000.")
    ['61', 'twice']
    """
    known = {_value(number) for number in _NUMBER.findall(source)}
    known_words = {word.lower() for word in _NUMBER_WORD.findall(source)}
    figures = [number for number in _NUMBER.findall(text) if _value(number) not in known]
    return figures + [word for word in _NUMBER_WORD.findall(text) if word.lower() not in known_words]


def _value(number: str) -> str:
    """One spelling for equal numbers; a comma is a thousands separator where three digits follow it, else a point."""
    plain = re.sub(r",(?=\d{3}(?:\D|$))", "", number).replace("·", ".").replace(",", ".")
    whole, point, fraction = plain.partition(".")
    if "." in fraction:  # a version or a date, not one number
        return plain
    return f"{int(whole or 0)}.{fraction.rstrip('0')}" if point and fraction.rstrip("0") else str(int(whole or 0))
