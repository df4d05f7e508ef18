"""The cheap baselines: what a result must beat before it means anything. Trained in seconds on a CPU."""

import time
from collections.abc import Callable

import polars as pl
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from acrflow import completion, schemas
from acrflow.dataset.inputs import WORD, input_texts
from acrflow.labels import LABELS


def majority(seed: int) -> Pipeline:
    """The training rows' most frequent label, whatever the input."""
    return make_pipeline(DummyClassifier(strategy="most_frequent", random_state=seed))


def tfidf_logreg(seed: int) -> Pipeline:
    """TF-IDF over words and pairs of words of "condition | variant | procedure", then logistic regression."""
    return make_pipeline(
        TfidfVectorizer(token_pattern=WORD, ngram_range=(1, 2), sublinear_tf=True),
        LogisticRegression(C=10, max_iter=2000, random_state=seed),
    )


BASELINES: dict[str, Callable[[int], Pipeline]] = {"majority": majority, "tfidf_logreg": tfidf_logreg}


def predict(name: str, train: pl.DataFrame, rows: pl.DataFrame, split: str, seed: int) -> pl.DataFrame:
    """Train a baseline and predict.

    Args:
        name: one of `BASELINES`.
        train, rows: `schemas.Rows`; `rows` may be empty.
        split: name of the split that `rows` are.
        seed: for the solver's own randomness.

    Returns:
        One row per row of `rows` (`schemas.Predictions`): the answer block as completion, no reasoning, no tokens.
    """
    if rows.is_empty():
        return pl.DataFrame(schema=schemas.polars_schema(schemas.Predictions))
    model = BASELINES[name](seed).fit(input_texts(train), train["appropriateness"].to_list())
    start = time.perf_counter()
    labels = [str(label) for label in model.predict(input_texts(rows))]
    seconds = (time.perf_counter() - start) / len(rows)
    texts = [completion.write(None, label) for label in labels]
    parsed = [completion.parse(text) for text in texts]
    columns = {
        "id": rows["id"],
        "model": [name] * len(rows),
        "split": [split] * len(rows),
        "draw": ["greedy"] * len(rows),
        "completion": texts,
        "label": [part.label for part in parsed],
        "reasoning": [part.reasoning for part in parsed],
        "well_formed": [part.well_formed for part in parsed],
        "tokens": [0] * len(rows),
        "truncated": [False] * len(rows),
        "seconds": [seconds] * len(rows),
        "prompt_hash": [None] * len(rows),
        "probabilities": _probabilities(model, rows),
    }
    return pl.DataFrame(columns, schema=schemas.polars_schema(schemas.Predictions))


def _probabilities(model: Pipeline, rows: pl.DataFrame) -> list[list[float]]:
    """The classifier's probabilities of `LABELS`, 0 for a label that it never saw."""
    place = {str(label): i for i, label in enumerate(model.classes_)}
    known = model.predict_proba(input_texts(rows))
    return [[float(one[place[label]]) if label in place else 0.0 for label in LABELS] for one in known]
