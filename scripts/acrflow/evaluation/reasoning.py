"""How good a model's reasoning is, row by row, against the gold traces.

Alignment, entity F1 and the judge's score are those of arXiv 2510.05194; citations and numbers are checked besides,
since a fluent text that cites the wrong study is worse than none.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl

from acrflow import schemas
from acrflow.evaluation.entities import Finder
from acrflow.io.ledger import Ledger
from acrflow.schemas.evaluation import ReasoningScores
from acrflow.text.citations import citations, without_citations
from acrflow.text.numbers import unsupported_numbers
from acrflow.text.sentences import split_sentences

PROMPT = """Rate a piece of medical reasoning against the expert's reasoning on four things: how much of the \
expert's reasoning it covers, whether it agrees with it, whether its logic holds, and whether it claims nothing that \
the expert's reasoning does not bear out.

Expert's reasoning:
{gold}

Reasoning to rate:
{reasoning}

Answer with one whole number from 0 (worthless) to {highest} (as good as the expert's)."""
LEAST_MASS = 0.01  # probability that the judge must give to all scores together; below, its answer is no score

Encode = Callable[[list[str]], np.ndarray]  # texts -> unit vectors, shape (texts, dimensions)
Rate = Callable[[list[str]], Sequence[float | None]]  # questions to a judge -> scores from 0 to 1


def score(
    predictions: pl.DataFrame,
    rows: pl.DataFrame,
    prompts: dict[str, str],
    encode: Encode,
    find: Finder,
    rate: Rate | None,
    highest: int,
    ledger: Ledger,
) -> pl.DataFrame:
    """Score the reasoning of one model on one split.

    Args:
        predictions: `Predictions`.
        rows: the split, `Rows`, with the gold traces.
        prompts: id -> the text that the model was shown.
        encode: the embedder; called once for all sentences and once for all entities.
        find: the entity finder.
        rate: the judge; None leaves its column empty.
        highest: the judge's highest score.
        ledger: gets the answers without reasoning or gold reasoning, and counts those that the judge gave no score.

    Returns:
        `ReasoningScores`, in the predictions' order. An answer without reasoning scores 0 where the row has
        gold reasoning.
    """
    joined = predictions.select("id", "model", "split", "reasoning").join(
        rows.select("id", "traces"), on="id", how="left", maintain_order="left"
    )
    records = [{**row, "reasoning": row["reasoning"] or ""} for row in joined.to_dicts()]
    predicted = [list(split_sentences(row["reasoning"]).sentences) for row in records]
    gold = [list(row["traces"] or []) for row in records]
    alignments = _alignments(predicted, gold, encode)
    entities = _entities(find([row["reasoning"] for row in records]), find([" ".join(one) for one in gold]), encode)
    judged = _judged(records, gold, rate, highest)
    if rate is not None:
        unread = sum(one is None and bool(traces) for one, traces in zip(judged, gold, strict=True))
        ledger.facts["without_a_score_of_the_judge"] = ledger.facts.get("without_a_score_of_the_judge", 0) + unread
    values = []
    for row, traces, alignment, entity, verdict in zip(records, gold, alignments, entities, judged, strict=True):
        name = f"{row['model']} on {row['split']}: {row['id']}"
        ledger.taken += 1
        if not traces:
            ledger.leave_out("no gold reasoning", name)
        elif not row["reasoning"]:
            ledger.leave_out("no reasoning (scores 0)", name)
        else:
            ledger.kept += 1
        cited, expected = set(citations(row["reasoning"])), set(citations(" ".join(traces)))
        values.append(
            {
                **{key: row[key] for key in ("id", "model", "split")},
                "alignment": alignment,
                **dict(zip(("entity_precision", "entity_recall", "entity_f1"), entity, strict=True)),
                "judge": verdict,
                "citation_precision": len(cited & expected) / len(cited) if cited else None,
                "citation_recall": len(cited & expected) / len(expected) if expected else None,
                "unsupported_numbers": _unsupported(row["reasoning"], prompts[row["id"]], traces),
            }
        )
    return pl.DataFrame(values, schema=schemas.polars_schema(ReasoningScores))


def _unsupported(reasoning: str, prompt: str, traces: Sequence[str]) -> int:
    """How many different numbers of an answer stand neither in its prompt nor in the gold; citations are none."""
    return len(unsupported_numbers(without_citations(reasoning), without_citations(" ".join([prompt, *traces]))))


def _alignments(predicted: list[list[str]], gold: list[list[str]], encode: Encode) -> list[float | None]:
    """Mean over the gold traces of the best cosine to any sentence; None without gold, 0 without a sentence."""
    vectors = _vectors([*predicted, *gold], encode)
    found: list[float | None] = []
    for ours, theirs in zip(predicted, gold, strict=True):
        best = _best(theirs, ours, vectors)
        found.append(None if not theirs else float(best.mean()) if ours else 0.0)
    return found


def _entities(predicted: list[list[str]], gold: list[list[str]], encode: Encode) -> list[tuple[float | None, ...]]:
    """Precision, recall and F1 of the entities by best cosine.

    None without gold entities; 0 without any of our own. Cosines below 0 count as 0.
    """
    vectors = _vectors([*predicted, *gold], encode)
    found: list[tuple[float | None, ...]] = []
    for ours, theirs in zip(predicted, gold, strict=True):
        if not theirs:
            found.append((None, None, None))
        elif not ours:
            found.append((0.0, 0.0, 0.0))
        else:
            precision = float(_best(ours, theirs, vectors).clip(0, 1).mean())
            recall = float(_best(theirs, ours, vectors).clip(0, 1).mean())
            both = precision + recall
            found.append((precision, recall, 2 * precision * recall / both if both else 0.0))
    return found


def _vectors(texts: list[list[str]], encode: Encode) -> dict[str, np.ndarray]:
    """Every distinct text's vector, all encoded in one call."""
    distinct = sorted({one for several in texts for one in several})
    return dict(zip(distinct, encode(distinct), strict=True)) if distinct else {}


def _best(of: list[str], among: list[str], vectors: dict[str, np.ndarray]) -> np.ndarray:
    """For each text, its best cosine to any of the others; empty where either has none."""
    if not of or not among:
        return np.zeros(0)
    best: np.ndarray = (np.stack([vectors[one] for one in of]) @ np.stack([vectors[one] for one in among]).T).max(1)
    return best


def _judged(
    records: list[dict[str, Any]], gold: list[list[str]], rate: Rate | None, highest: int
) -> list[float | None]:
    """The judge's scores: None without a judge, without gold, or where its answer is none; 0 without reasoning.

    A judge that gave no score at all has no opinion on answers without reasoning either.
    """
    found: list[float | None] = [None if rate is None or not traces else 0.0 for traces in gold]
    rated = [index for index, row in enumerate(records) if rate is not None and gold[index] and row["reasoning"]]
    prompts = [
        PROMPT.format(gold="\n".join(gold[index]), reasoning=records[index]["reasoning"], highest=highest)
        for index in rated
    ]
    for index, verdict in zip(rated, rate(prompts) if rate is not None else [], strict=True):
        found[index] = verdict
    if rated and all(found[index] is None for index in rated):
        return [None] * len(found)
    return found
