"""The split: which rows train, which test, which topics are held out whole.

Every choice hangs on a hash of the seed and the unit's own name, so adding a topic moves no row of another topic:

row       within each topic and label, rows in hash order; the first ones test
variant   within each topic, its scenarios in hash order; all rows of the first ones test
topic     a topic tests where its hash lies below the test share

A stratum of n units gives n x share of them to the test split, rounded up or down by a hash of the stratum's name, so
that the share holds over many small strata: three rows at 0.3 give one row in nine cases of ten, and not always.
"""

import hashlib
import math
from collections import defaultdict
from typing import Literal, NamedTuple, get_args

import polars as pl

from acrflow.io.errors import InputError
from acrflow.tasks import appropriateness
from acrflow.tasks.task import Task

Kind = Literal["row", "variant", "topic"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Splits(NamedTuple):
    """Three disjoint tables that together hold every row, each in the order of the input."""

    train: pl.DataFrame
    test: pl.DataFrame
    generalization: pl.DataFrame


def split(
    rows: pl.DataFrame,
    kind: Kind,
    test_share: float,
    seed: int,
    generalization: list[str],
    task: Task = appropriateness.TASK,
) -> Splits:
    """Split labelled rows.

    Args:
        rows: columns id, topic, the task's scenario and gold, and any more.
        kind: the unit that is never on both sides: "row", "variant" (the text of the task's scenario) or "topic".
        test_share: share of the units that test, 0 to 1.
        seed: another seed, another split.
        generalization: topics held out whole.

    Raises:
        InputError: an unknown generalization topic, or a split without rows of some label.
    """
    unknown = sorted(set(generalization) - set(rows["topic"].unique()))
    if unknown:
        known = ", ".join(sorted(rows["topic"].unique()))
        raise InputError("generalization", f"no rows of topic {', '.join(unknown)}", f"name topics among: {known}")
    held_out = pl.col("topic").is_in(generalization)
    seen = rows.filter(~held_out)
    if seen.is_empty():
        raise InputError("generalization", "every topic is held out", "leave at least one topic to train and test on")
    tests = pl.col("id").is_in(sorted(_test_ids(seen, kind, test_share, seed, task)))
    splits = Splits(seen.filter(~tests), seen.filter(tests), rows.filter(held_out))
    _check(splits, kind, test_share, task)
    return splits


def _test_ids(rows: pl.DataFrame, kind: Kind, share: float, seed: int, task: Task) -> set[str]:
    """Ids of the rows that test."""
    if kind == "topic":
        topics = _test_topics(rows["topic"].unique().to_list(), share, seed)
        return set(rows.filter(pl.col("topic").is_in(sorted(topics)))["id"])
    strata: dict[tuple[str, ...], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows.select("id", "topic", task.scenario, task.gold).iter_rows(named=True):
        if kind == "row":
            strata[row["topic"], row[task.gold]][row["id"]].append(row["id"])
        else:
            strata[(row["topic"],)][row[task.scenario]].append(row["id"])
    chosen: set[str] = set()
    for stratum, units in strata.items():
        count = math.floor(len(units) * share + _uniform(seed, "round", *stratum))
        for unit in sorted(units, key=lambda unit: _uniform(seed, *stratum, unit))[:count]:
            chosen.update(units[unit])
    return chosen


def _test_topics(topics: list[str], share: float, seed: int) -> set[str]:
    """Topics whose hash lies below the share; at least one, and never all where there are two."""
    ranked = sorted(topics, key=lambda topic: _uniform(seed, topic))
    chosen = {topic for topic in ranked if _uniform(seed, topic) < share}
    return (chosen | {ranked[0]}) - ({ranked[-1]} if len(ranked) > 1 else set())


def _uniform(seed: int, *name: str) -> float:
    """A number in [0, 1) that depends on the seed and the name alone."""
    key = "\x1f".join((str(seed), *name)).encode()
    return int.from_bytes(hashlib.sha256(key).digest()[:8]) / 2**64


def _check(splits: Splits, kind: Kind, test_share: float, task: Task) -> None:
    """Every label has rows in the train and in the test split."""
    for name in ("train", "test"):
        frame: pl.DataFrame = getattr(splits, name)
        missing = [label for label in task.labels if label not in set(frame[task.gold])]
        if missing:
            what = f"{len(frame)} rows ({kind} split, test share {test_share}), none of them {' or '.join(missing)}"
            raise InputError(f"{name} split", what, "change dataset.test_share, dataset.split or seed, or add topics")
