"""A grader on disk: the forest by skops, which executes nothing when it is read, and what it was trained on as JSON."""

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import skops.io
from sklearn.ensemble import RandomForestClassifier

from acrflow.io.errors import InputError
from acrflow.io.files import read_json, whole_folder, write_json
from acrflow.retrieval.features import COLUMNS
from acrflow.retrieval.quality import Grader

# skops does not trust a tree's arrays by itself: they run nothing, but broken ones may end the process
TREE = ["sklearn.tree._tree.Tree"]
FOREST, CARD = "forest.skops", "grader.json"


def write_grader(folder: Path, grader: Grader | None, facts: dict[str, Any]) -> None:
    """Write a grader and its card, whole.

    Args:
        grader: None where there were too few studies to learn from; the card says so.
        facts: at least `sjr`, whether journals had ranks.
    """
    with whole_folder(folder) as temporary:
        if grader is not None:
            skops.io.dump(grader.forest, temporary / FOREST)
        threshold = None if grader is None else grader.threshold
        write_json(temporary / CARD, {"threshold": threshold, "columns": list(COLUMNS), **facts})


def read_grader(folder: Path, sjr: bool) -> Grader | None:
    """Read a grader; None of a folder that says that there was too little to learn from.

    Args:
        sjr: whether there is a table of journal ranks now.

    Raises:
        InputError: it is missing, holds types that are no forest's, or was trained on other columns.
    """
    remedy = "name a folder that train_grader.py wrote (retrieval.grader)"
    try:
        card = read_json(folder / CARD)
        if card["threshold"] is None:
            return None
        unknown = sorted({*skops.io.get_untrusted_types(file=folder / FOREST)} - {*TREE})
        if unknown:
            raise InputError(folder / FOREST, f"holds {', '.join(unknown)}, which is not run", remedy)
        forest = skops.io.load(folder / FOREST, trusted=TREE)
        columns, with_ranks, threshold = card["columns"], card["sjr"], float(card["threshold"])
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise InputError(folder, f"no grader: {error}", remedy) from None
    if not isinstance(forest, RandomForestClassifier) or columns != list(COLUMNS):
        raise InputError(folder, "a grader with other columns, of another version", "train it again")
    if with_ranks != sjr:
        trained = "with" if with_ranks else "without"
        raise InputError(folder, f"trained {trained} journal ranks", f"grade {trained} a table too (retrieval.sjr)")
    return Grader(forest, threshold)
