"""Class weights: what a rare label's examples count for, against the most weighty label's."""

from collections.abc import Mapping, Sequence
from typing import Literal

from acrflow.io.errors import InputError
from acrflow.tasks.appropriateness import LABELS, parse_label

BALANCED = "balanced"  # in inverse proportion to the labels' frequencies, which the training knows and puts in
ClassWeights = Mapping[str, float] | Literal["balanced"]


def weights(gold: Sequence[str], class_weights: ClassWeights | None) -> list[float]:
    """The weight of each row's gold label, as a share of the largest weight, so that a reward keeps its range.

    All completions of a group share the gold label. With `scale_rewards: group` a weight therefore cancels out where
    the weighted reward is the only one, and shifts the balance against the other rewards where it is not; with
    `batch` or `none` it scales the update of the whole group.

    Args:
        gold: labels.
        class_weights: {label: weight}, a label in any spelling; labels not named weigh 1. None: all weigh the same.
            `balanced` is replaced by the training; until then it is good for no label at all.

    Raises:
        InputError: a name that is no label, or a weight that is not above 0.
    """
    if class_weights is None or (class_weights == BALANCED and not gold):
        return [1.0] * len(gold)
    if isinstance(class_weights, str):
        raise ValueError(f"{class_weights} class weights are numbers once the training has counted the labels")
    given = {parse_label(name): float(weight) for name, weight in class_weights.items()}
    if None in given or min(given.values(), default=1.0) <= 0:
        remedy = f"name labels ({', '.join(LABELS)}) with weights above 0, or write balanced"
        raise InputError("class_weights", f"cannot weigh by {dict(class_weights)}", remedy)
    by_label = {label: given.get(label, 1.0) for label in LABELS}
    largest = max(by_label.values())
    return [by_label[label] / largest for label in gold]
