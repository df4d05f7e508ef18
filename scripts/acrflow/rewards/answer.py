"""Reward: the answer is right."""

from acrflow.rewards import reward
from acrflow.rewards._by_label import ClassWeights, weights
from acrflow.tasks import completion
from acrflow.tasks.task import Task


@reward(columns=("gold",), low=0.0, high=1.0)
def answer(
    completions: list[str], gold: list[str], *, task: Task, class_weights: ClassWeights | None = None
) -> list[float]:
    """1 where the one answer block holds the gold label, else 0 (no block, two blocks, another text).

    Args:
        class_weights: see `acrflow.rewards._by_label.weights`; `balanced` in the configuration.
    """
    return [
        weight * (completion.parse(text, task).label == label)
        for text, label, weight in zip(completions, gold, weights(gold, class_weights, task), strict=True)
    ]
