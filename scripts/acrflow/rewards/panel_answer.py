"""Reward: as many of the panel as voted for the predicted category."""

from acrflow.rewards import reward
from acrflow.rewards._by_label import ClassWeights, weights
from acrflow.tasks import completion
from acrflow.tasks.task import Task


@reward(columns=("votes", "gold"), low=0.0, high=1.0)
def panel_answer(
    completions: list[str],
    votes: list[list[int] | None],
    gold: list[str],
    *,
    task: Task,
    class_weights: ClassWeights | None = None,
) -> list[float | None]:
    """Share of the panel that voted for the predicted label; 0 without a readable one.

    Args:
        votes: as the task has them; of appropriateness nine counts, how many panelists rated 1 ... 9.
        class_weights: see `acrflow.rewards._by_label.weights`; `balanced` in the configuration.

    Returns:
        None where the guideline gives no votes.
    """
    values: list[float | None] = []
    for text, panel, weight in zip(completions, votes, weights(gold, class_weights, task), strict=True):
        label = completion.parse(text, task).label
        counts = task.vote_counts(panel)
        if not sum(counts):
            values.append(None)
        elif label is None:
            values.append(0.0)
        else:
            values.append(weight * counts[task.labels.index(label)] / sum(counts))
    return values
