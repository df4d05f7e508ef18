"""Distilled traces: a language model writes the reasoning as one-fact sentences, which a checker believes or not.

A text that fails the check is asked for again, sampled, and after the last attempt the split sentences stand.
"""

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import polars as pl

from acrflow.inference.backend import Conversation, Decoding
from acrflow.inference.cache import CachedModel, Progress, longest_first
from acrflow.io.ledger import Ledger
from acrflow.text.citations import citations, without_citations
from acrflow.text.numbers import unsupported_numbers

SYSTEM = (
    "You turn the reasoning of an imaging guideline into a list of facts. Write one fact a line, each a whole sentence "
    "that is understood without the others: name the procedure and the condition in place of pronouns. Keep the order, "
    "every number as it is printed, and behind each fact the citations in square brackets that stand behind it. "
    "Add nothing, leave nothing out, write no headings and no list signs."
)
USER = "Condition: {condition}\nProcedure family: {heading}\n\n{reasoning}"

SHORTEST, LONGEST = 0.5, 2.0  # words of the traces, as a share of the source's; names in place of pronouns add some
LIKENESS = 0.6  # of a trace's words, how many at least are the source's (or the condition's, or the heading's)
_LIST_SIGN = re.compile(r"^\s*(?:[-*•–]|\(?\d{1,2}[.)])\s+")
_WORD = re.compile(r"[a-z]{3,}")


def lines_of(text: str) -> list[str]:
    """The facts of an answer: its lines, without the list signs that models like to add."""
    return [" ".join(_LIST_SIGN.sub("", line).split()) for line in text.splitlines() if line.strip()]


def why_not(facts: list[str], source: str, context: str = "") -> str | None:
    """Why distilled facts are not believed; None if they are.

    Citations and numbers must be the source's, all of them and no other; citations first appear in the same order;
    neither much shorter nor much longer; and every fact must be made of the source's words.

    Args:
        context: words that a fact may use besides the source's: condition and heading.
    """
    if not facts:
        return "empty answer"
    text = " ".join(facts)
    cited, wanted = citations(text), citations(source)
    bare, bare_source = without_citations(text), without_citations(source)
    share = len(bare.split()) / max(1, len(bare_source.split()))
    known = set(_WORD.findall(f"{source} {context}".lower()))
    checks = (
        ("a citation that the source does not have", set(cited) - set(wanted)),
        ("a citation lost", set(wanted) - set(cited)),
        ("citations in another order", cited != wanted),
        ("a number that the source does not have", unsupported_numbers(bare, f"{bare_source} {context}")),
        ("a number lost", unsupported_numbers(bare_source, bare)),
        ("much shorter than the source", share < SHORTEST),
        ("much longer than the source", share > LONGEST),
        ("a fact in other words than the source's", any(_likeness(fact, known) < LIKENESS for fact in facts)),
    )
    return next((why for why, wrong in checks if wrong), None)


def _likeness(fact: str, known: set[str]) -> float:
    words = _WORD.findall(without_citations(fact).lower())
    return sum(word in known for word in words) / len(words) if words else 0.0


def conversation(row: dict[str, Any]) -> Conversation:
    """What the model is asked about one text."""
    user = USER.format(condition=row["condition"], heading=row["heading"] or "-", reasoning=row["reasoning"])
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": user}]


def distill(
    sentences: pl.DataFrame,
    guidelines: pl.DataFrame,
    model: CachedModel,
    decoding: Decoding,
    attempts: int,
    ledger: Ledger,
    progress: Progress = lambda texts: None,
) -> pl.DataFrame:
    """Put a model's facts in the place of the split sentences wherever they stand the check.

    Args:
        sentences: `schemas.dataset.Traces`, as `traces.extract` made them.
        guidelines: `schemas.guideline.Guidelines`, with the texts; one that several rows share is asked for once.
        model: writes the facts; a killed run continues with what is cached.
        decoding: greedy for the first attempt; later ones sample with its temperature and the attempt as the seed.
        attempts: how often a text is asked for before the sentences stand.
        ledger: taken are texts, kept are distilled ones; left out, by reason, are those where the sentences stay.
        progress: called with the number of texts done at the first attempt, those found in the cache included.

    Returns:
        `schemas.dataset.Traces`.
    """
    texts = {
        (row["condition"], row["heading"] or "", row["reasoning"]): row
        for row in guidelines.filter(pl.col("id").is_in(sentences["id"].unique().to_list())).iter_rows(named=True)
    }
    believed: dict[tuple[str, str, str], list[str]] = {}
    reasons: dict[tuple[str, str, str], str] = {}
    believed_at: Counter[int] = Counter()
    for attempt in range(attempts):
        prompts = {key: conversation(row) for key, row in texts.items() if key not in believed}
        drawn = replace(decoding, seed=attempt) if attempt else replace(decoding, seed=None)
        answers = model.complete(longest_first(prompts), drawn, progress if not attempt else _silent)
        for key, answer in answers.items():
            facts = lines_of(answer.text)
            why = "cut at the length limit" if answer.truncated else why_not(facts, key[2], f"{key[0]} {key[1]}")
            if why:
                reasons[key] = why
            else:
                believed[key] = facts
                believed_at[attempt + 1] += 1
    ledger.taken, ledger.kept = len(texts), len(believed)
    for key in texts.keys() - believed.keys():
        ledger.leave_out(reasons[key], f"{key[0]}: {key[1]}")
    ledger.facts["believed_at_attempt"] = {str(attempt): count for attempt, count in sorted(believed_at.items())}
    return _traces(sentences, guidelines, believed)


def _silent(texts: int) -> None:
    """Further attempts have no progress of their own."""


def _traces(
    sentences: pl.DataFrame, guidelines: pl.DataFrame, believed: dict[tuple[str, str, str], list[str]]
) -> pl.DataFrame:
    """The facts of the rows whose text is believed, the sentences of the others."""
    rows = []
    for row in guidelines.iter_rows(named=True):
        facts = believed.get((row["condition"], row["heading"] or "", row["reasoning"]), [])
        rows += [
            {"id": row["id"], "position": place, "trace": fact, "citations": citations(fact)}
            for place, fact in enumerate(facts)
        ]
    made = pl.DataFrame(rows, schema=sentences.schema)
    return pl.concat([made, sentences.join(made, on="id", how="anti")])
