"""The baselines: what a result must beat before it means anything. Trained in seconds on a CPU."""

import inspect
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from acrflow import schemas
from acrflow.config.evaluation import BASELINES
from acrflow.dataset.split import KINDS, split
from acrflow.evaluation import metrics
from acrflow.io.errors import InputError
from acrflow.io.ledger import Ledger
from acrflow.schemas.evaluation import SplitFigures
from acrflow.schemas.inference import Predictions
from acrflow.tasks import appropriateness, completion
from acrflow.tasks.task import SEPARATOR, WORD, Task

if TYPE_CHECKING:
    from acrflow.models.embedder import Embedder

FIGURES = ("macro_f1", "weighted_f1", "accuracy", "unsafe")  # told for every way of splitting


class ProcedureMajority(ClassifierMixin, BaseEstimator):
    """The most frequent label of the same procedure (the last field) in training; of all rows for one that is new."""

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> "ProcedureMajority":
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for text, label in zip(texts, labels, strict=True):
            counts[_procedure(text)][label] += 1
        self.classes_ = np.array(sorted(set(labels)))
        self.counts_, self.all_ = counts, Counter(labels)
        return self

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Shares of the labels, shape (texts, labels); where two are as frequent, the one more frequent in all."""
        counts = [self.counts_.get(_procedure(text), self.all_) for text in texts]
        shares = np.array([[one[label] + 1e-6 * self.all_[label] for label in self.classes_] for one in counts])
        normal: np.ndarray = shares / shares.sum(axis=1, keepdims=True)
        return normal

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        best: np.ndarray = self.classes_[self.predict_proba(texts).argmax(axis=1)]
        return best


def _procedure(text: str) -> str:
    return text.rpartition(SEPARATOR)[2].casefold()


def _embeddings(texts: Sequence[str], embedder: "Embedder") -> np.ndarray:
    """The embedding of "condition | variant" beside the procedure's (the last field's), shape (texts, 2 x dimensions).

    Both recur in many rows: 14,217 rows of 261 topics have 1,263 + 1,372 different ones to embed.
    """
    scenarios, _, procedures = zip(*(text.rpartition(SEPARATOR) for text in texts), strict=True)
    return np.hstack([embedder.encode_cached(list(part)) for part in (scenarios, procedures)])


def _words() -> TfidfVectorizer:
    return TfidfVectorizer(token_pattern=WORD, ngram_range=(1, 2), sublinear_tf=True)


# A baseline is a function here and its name in `config.evaluation.BASELINES`. It gives a classifier of a task's input
# texts ("condition | variant | procedure"), from a seed and, if it asks for it, the sentence `embedder`.


def majority(seed: int) -> Pipeline:
    """The most frequent label of all."""
    return make_pipeline(DummyClassifier(strategy="most_frequent", random_state=seed))


def majority_procedure(seed: int) -> Pipeline:
    """The most frequent label of the procedure."""
    return make_pipeline(ProcedureMajority())


def nearest_neighbour(seed: int) -> Pipeline:
    """The label of the training row with the most similar words."""
    return make_pipeline(_words(), KNeighborsClassifier(n_neighbors=1, metric="cosine"))


def tfidf_logreg(seed: int) -> Pipeline:
    """Logistic regression on words and pairs of words."""
    return make_pipeline(_words(), LogisticRegression(C=10, max_iter=2000, random_state=seed))


def minilm_logreg(seed: int, embedder: "Embedder | None") -> Pipeline:
    """Logistic regression on embeddings of the scenario and of the procedure."""
    return make_pipeline(
        FunctionTransformer(_embeddings, kw_args={"embedder": embedder}),
        LogisticRegression(C=10, max_iter=2000, random_state=seed),
    )


def classifier(name: str, seed: int, embedder: "Embedder | None" = None) -> Pipeline:
    """The classifier of a baseline, not yet trained.

    Raises:
        InputError: it is named and not written.
    """
    make = globals().get(name) if name in BASELINES else None
    if make is None:
        remedy = f"write a function {name} in scripts/acrflow/evaluation/baselines.py, and name it in BASELINES"
        raise InputError(f"baseline {name}", f"there is none; known are {', '.join(BASELINES)}", remedy)
    model: Pipeline = make(seed, embedder) if needs_embedder(name) else make(seed)
    return model


def needs_embedder(name: str) -> bool:
    """Whether a baseline asks for the sentence embedder, which takes seconds to load."""
    return "embedder" in inspect.signature(globals()[name]).parameters


def predict(
    name: str,
    train: pl.DataFrame,
    rows: dict[str, pl.DataFrame],
    seed: int,
    embedder: "Embedder | None" = None,
    task: Task = appropriateness.TASK,
) -> dict[str, pl.DataFrame]:
    """Train a baseline once and predict every split with it.

    Args:
        name: one of `BASELINES`.
        train: `rows_table`.
        rows: split name -> `rows_table`, which may be empty.
        seed: for the solver's own randomness.
        embedder: of sentences, for the baselines that ask for it.

    Returns:
        Split name -> one row per row (`Predictions`): the answer block as completion, no reasoning, no tokens.
    """
    model = classifier(name, seed, embedder).fit(task.input_texts(train), train[task.gold].to_list())
    return {part: _predictions(model, name, part, asked, task) for part, asked in rows.items()}


def _predictions(model: Pipeline, name: str, part: str, rows: pl.DataFrame, task: Task) -> pl.DataFrame:
    if rows.is_empty():
        return pl.DataFrame(schema=schemas.polars_schema(Predictions))
    start = time.perf_counter()
    labels = [str(label) for label in model.predict(task.input_texts(rows))]
    seconds = (time.perf_counter() - start) / len(rows)
    texts = [completion.write(None, label) for label in labels]
    parsed = [completion.parse(text, task) for text in texts]
    columns = {
        "id": rows["id"],
        "model": [name] * len(rows),
        "split": [part] * len(rows),
        "draw": ["greedy"] * len(rows),
        "completion": texts,
        "label": [one.label for one in parsed],
        "reasoning": [one.reasoning for one in parsed],
        "well_formed": [one.well_formed for one in parsed],
        "tokens": [0] * len(rows),
        "truncated": [False] * len(rows),
        "seconds": [seconds] * len(rows),
        "prompt_hash": [None] * len(rows),
        "probabilities": _probabilities(model, rows, task),
    }
    return pl.DataFrame(columns, schema=schemas.polars_schema(Predictions))


def _probabilities(model: Pipeline, rows: pl.DataFrame, task: Task) -> list[list[float]]:
    """The classifier's probabilities of the task's labels, 0 for a label that it never saw."""
    place = {str(label): i for i, label in enumerate(model.classes_)}
    known = model.predict_proba(task.input_texts(rows))
    return [[float(one[place[label]]) if label in place else 0.0 for label in task.labels] for one in known]


def over_splits(
    rows: pl.DataFrame,
    names: Sequence[str],
    test_share: float,
    seed: int,
    held_out: list[str],
    embedder: "Embedder | None",
    draws: int,
    ledger: Ledger,
    task: Task = appropriateness.TASK,
) -> pl.DataFrame:
    """Every baseline on every way of splitting: how much of a result is memory of a scenario or of a topic.

    Args:
        rows: all labelled rows (`rows_table`), in any order.
        names: baselines.
        test_share, seed, held_out: as `split.split` takes them.
        draws: of the bootstrap over rows.
        ledger: gets the ways of splitting that these rows do not allow, and why.

    Returns:
        One row per way of splitting x part (test, generalization) x baseline x figure (`SplitFigures`).
    """
    found: list[dict[str, Any]] = []
    for kind in KINDS:
        ledger.taken += 1
        try:
            parts = split(rows.sort("id"), kind, test_share, seed, held_out, task)._asdict()
        except InputError as error:
            ledger.leave_out("not possible with these rows", f"{kind}: {error.where}: {error.what}")
            continue
        ledger.kept += 1
        train = parts.pop("train")
        asked = {part: frame for part, frame in parts.items() if not frame.is_empty()}
        for name in names:
            answers = predict(name, train, asked, seed, embedder, task)
            for part, frame in asked.items():
                tally = metrics.tally(answers[part], frame, None, Path(kind, part), task=task)
                figures = metrics.measure(tally, draws, seed)["figures"]
                size = {"train_rows": len(train), "rows": len(frame)}
                for figure in (one for one in FIGURES if one in figures):
                    one = {key: figures[figure][key] for key in ("value", "low", "high")}
                    found.append({"split_by": kind, "split": part, "model": name, "metric": figure, **one, **size})
    return pl.DataFrame(found, schema=schemas.polars_schema(SplitFigures))
