"""A study's quality predicted from its record, on the scale of `guideline.study_quality`.

"Good" and "Inadequate", grades of meta-analyses, are classes of their own. A random forest, chosen and measured by
nested cross-validation that keeps a topic's studies together.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from sklearn.calibration import calibration_curve
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score, brier_score_loss, precision_recall_curve
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold
from statsmodels.stats.proportion import proportion_confint

from acrflow.guideline.study_quality import RANK, STRONG
from acrflow.io.errors import InputError
from acrflow.io.ledger import Ledger
from acrflow.retrieval.features import COLUMNS, TYPE_COLUMNS

TREES = 100
LEAVES = (1, 3, 10)  # studies in a leaf at least, chosen by the inner cross-validation
OUTER, INNER = 5, 3  # folds at most
SHUFFLES = 5  # of a column in each fold
SHOWN = 15  # most important columns named
TYPE_ALONE = [COLUMNS.index(name) for name in TYPE_COLUMNS]


@dataclass
class Grader:
    """A fitted forest, and from which probability a study counts as strong."""

    forest: RandomForestClassifier
    threshold: float


def labelled(pmids: pl.DataFrame, records: pl.DataFrame, ledger: Ledger) -> pl.DataFrame:
    """The records of cited studies with the quality that the guidelines give them.

    Args:
        pmids: `schemas.evidence.Pmids`.
        records: `schemas.evidence.Records` of the same studies.
        ledger: taken are graded references, kept are studies; left out, by reason, the others.

    Returns:
        The records' columns, `topic` and `study_quality`; a study that several topics grade stands with the first.
    """
    graded = pmids.drop_nulls("study_quality")
    known = graded.filter(pl.col("study_quality").is_in(list(RANK)))
    first = known.drop_nulls("pmid").unique("pmid", keep="first", maintain_order=True)
    joined = first.select("topic", "pmid", "study_quality").join(
        records.filter(status="received"), on="pmid", how="inner", maintain_order="left"
    )
    ledger.taken, ledger.kept = len(graded), len(joined)
    for reason, count in {
        "a grade not on the scale": len(graded) - len(known),
        "no PMID": known["pmid"].null_count(),
        "graded before, by this topic or another": known["pmid"].drop_nulls().len() - len(first),
        "no record": len(first) - len(joined),
    }.items():
        if count:
            ledger.leave_out(reason, "references", count)
    return joined


def fit(values: np.ndarray, grades: np.ndarray, topics: np.ndarray, seed: int) -> Grader:
    """Fit a forest; leaf size by Brier score and threshold by F1 of strong studies, out of fold.

    Args:
        values: shape (studies, columns), as `features`.
        grades, topics: shape (studies,).

    Raises:
        InputError: fewer than two strong or two weaker studies.
    """
    strong = np.isin(grades, STRONG)
    if min(strong.sum(), (~strong).sum()) < 2:
        raise InputError(
            "study quality",
            f"{strong.sum()} strong and {(~strong).sum()} weaker studies have a record: too few to learn from",
            "take more topics with an evidence table, or name a grader trained elsewhere (retrieval.grader)",
        )
    folds = list(_inner(strong, topics, seed))
    tried = {}
    for leaf in LEAVES:
        chance = np.zeros(len(grades))
        for train, test in folds:
            chance[test] = chance_of_strong(_forest(leaf, seed).fit(values[train], grades[train]), values[test])
        tried[leaf] = chance
    best = min(LEAVES, key=lambda leaf: brier_score_loss(strong, tried[leaf]))
    return Grader(_forest(best, seed).fit(values, grades), _threshold(strong, tried[best]))


def chance_of_strong(forest: RandomForestClassifier, values: np.ndarray) -> np.ndarray:
    """Probability of grade 1 or 2; shape (studies,)."""
    if not len(values):
        return np.zeros(0)
    return _strong(forest.predict_proba(values), forest)


def grade(grader: Grader, values: np.ndarray) -> dict[str, np.ndarray]:
    """What the grader says of each study: likeliest grade, P(strong), whether strong, and the mean rank (1 best)."""
    classes = grader.forest.classes_
    if not len(values):
        empty = np.zeros(0)
        return {"grade": empty.astype(str), "chance": empty, "strong": empty.astype(bool), "rank": empty}
    chances = grader.forest.predict_proba(values)
    strong = _strong(chances, grader.forest)
    return {
        "grade": classes[chances.argmax(axis=1)],
        "chance": strong,
        "strong": strong >= grader.threshold,
        "rank": chances @ np.array([RANK[name] for name in classes]),
    }


def evaluate(values: np.ndarray, grades: np.ndarray, topics: np.ndarray, seed: int) -> dict[str, Any]:
    """Nested cross-validation over topics, beside the same forest on publication types alone.

    Returns:
        Studies, topics, grades; `model` and `publication_type_alone` (`figures`), or None with the reason where
        there is no second topic or a fold has too few strong or weaker studies to learn from.
    """
    told: dict[str, Any] = {
        "studies": len(grades),
        "topics": len(set(topics)),
        "grades": dict(sorted(Counter(map(str, grades)).items())),
    }
    if len(set(topics)) < 2:
        return told | {"model": None, "reason": "one topic: nothing to test on"}
    folds = list(GroupKFold(min(OUTER, len(set(topics)))).split(values, grades, topics))
    try:
        return told | {
            "folds": len(folds),
            "publication_type_alone": _nested(values[:, TYPE_ALONE], grades, topics, folds, seed),
            "model": _nested(values, grades, topics, folds, seed)
            | {"importance": importance(values, grades, folds, seed)},
        }
    except InputError as error:
        return told | {"model": None, "reason": f"in a fold, {error.what}"}


def figures(grades: np.ndarray, said: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """How good predictions are: recall and precision of strong studies with 95 % intervals (Wilson), average precision
    beside the share of strong studies (that of a coin), Brier score, share of exact grades, calibration in fifths."""
    strong, called = np.isin(grades, STRONG), said["strong"].astype(bool)
    right = int((strong & called).sum())
    seen, predicted = calibration_curve(strong, said["chance"], n_bins=5, strategy="quantile")
    both = strong.any() and not strong.all()
    return {
        "strong": int(strong.sum()),
        "called_strong": int(called.sum()),
        "recall": _share(right, int(strong.sum())),
        "precision": _share(right, int(called.sum())),
        "average_precision": round(float(average_precision_score(strong, said["chance"])), 4) if both else None,
        "share_of_strong": round(float(strong.mean()), 4),
        "brier": round(float(brier_score_loss(strong, said["chance"])), 4),
        "exact_grade": _share(int((said["grade"] == grades).sum()), len(grades)),
        "calibration": [
            {"predicted": round(float(one), 4), "seen": round(float(other), 4)}
            for one, other in zip(predicted, seen, strict=True)
        ],
    }


def importance(
    values: np.ndarray, grades: np.ndarray, folds: list[tuple[np.ndarray, np.ndarray]], seed: int
) -> dict[str, float]:
    """By how much the Brier score on unseen topics worsens when one column is shuffled; the most important first.

    scikit-learn's `permutation_importance` also shuffles columns of one value, here most of them: so much longer.
    """
    total = np.zeros(values.shape[1])
    draw = np.random.default_rng(seed)
    for train, test in folds:
        forest = _forest(LEAVES[1], seed).fit(values[train], grades[train])
        unshuffled = _brier(forest, values[test], grades[test])
        for column in range(values.shape[1]):
            if len(np.unique(values[test, column])) > 1:
                shuffled = np.repeat(values[test][None], SHUFFLES, axis=0)
                shuffled[:, :, column] = draw.permuted(shuffled[:, :, column], axis=1)
                worse = _brier(forest, shuffled.reshape(-1, values.shape[1]), np.tile(grades[test], SHUFFLES))
                total[column] += (worse - unshuffled) * len(test) / len(grades)
    top = np.argsort(-total)[:SHOWN]
    return {COLUMNS[one]: round(float(total[one]), 5) for one in top if total[one] > 0}


def _nested(
    values: np.ndarray, grades: np.ndarray, topics: np.ndarray, folds: list[tuple[np.ndarray, np.ndarray]], seed: int
) -> dict[str, Any]:
    """The figures of predictions for topics that were not seen, each fold with a leaf size and threshold of its own."""
    parts = [grade(fit(values[train], grades[train], topics[train], seed), values[test]) for train, test in folds]
    order = np.concatenate([test for _, test in folds])
    return figures(grades[order], {name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _threshold(strong: np.ndarray, chances: np.ndarray) -> float:
    """Where F1 of strong studies is best, midway to the next lower probability.

    On it, studies of one kind, whose probability moves a little with every forest, would fall to either side.
    """
    precision, recall, thresholds = precision_recall_curve(strong, chances)
    best = int((2 * precision * recall / np.maximum(precision + recall, 1e-9))[:-1].argmax())
    lower = chances[chances < thresholds[best]]
    return float((thresholds[best] + (lower.max() if len(lower) else 0.0)) / 2)


def _strong(chances: np.ndarray, forest: RandomForestClassifier) -> np.ndarray:
    """The probabilities of grades 1 and 2 together; rounding may carry a sum of shares above 1."""
    together: np.ndarray = chances[:, np.isin(forest.classes_, STRONG)].sum(axis=1).clip(0, 1)
    return together


def _brier(forest: RandomForestClassifier, values: np.ndarray, grades: np.ndarray) -> float:
    return float(np.mean((chance_of_strong(forest, values) - np.isin(grades, STRONG)) ** 2))


def _inner(strong: np.ndarray, topics: np.ndarray, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Folds that keep topics together; of fewer than three topics, folds of studies, for want of a better."""
    if len(set(topics)) >= INNER:
        return StratifiedGroupKFold(INNER, shuffle=True, random_state=seed).split(strong, strong, topics)
    count = int(min(INNER, strong.sum(), (~strong).sum()))
    return StratifiedKFold(count, shuffle=True, random_state=seed).split(strong, strong)


def _forest(leaf: int, seed: int) -> RandomForestClassifier:
    return RandomForestClassifier(TREES, min_samples_leaf=leaf, random_state=seed, n_jobs=1)


def _share(part: int, whole: int) -> dict[str, float | int] | None:
    """A share with its interval; None of nothing."""
    if not whole:
        return None
    low, high = proportion_confint(part, whole, method="wilson")
    return {"value": round(part / whole, 4), "low": round(float(low), 4), "high": round(float(high), 4), "of": whole}
