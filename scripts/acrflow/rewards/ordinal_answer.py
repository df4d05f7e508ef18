"""Reward: the answer is right, and a near miss is better than a far one."""

from acrflow.io.errors import InputError
from acrflow.rewards import reward
from acrflow.rewards._by_label import ClassWeights, weights
from acrflow.tasks import completion
from acrflow.tasks.task import Task


@reward(columns=("gold",), low=0.0, high=1.0)
def ordinal_answer(
    completions: list[str],
    gold: list[str],
    *,
    task: Task,
    near: float = 0.5,
    class_weights: ClassWeights | None = None,
) -> list[float]:
    """1 for the gold label, `near` for the label next to it, 0 for one farther off and where no label can be read.

    The labels must have an order: Usually Not Appropriate, May Be Appropriate, Usually Appropriate.

    Args:
        near: between 0 (as `answer`) and 1.
        class_weights: see `acrflow.rewards._by_label.weights`; `balanced` in the configuration.

    Raises:
        InputError: the task's labels have no order.
    """
    if not task.ordered:
        what = f"the labels of {task.name} have no order, so that no wrong one is nearer than another"
        raise InputError("rewards.ordinal_answer", what, "take the reward `answer`")
    if not 0 <= near <= 1:
        raise ValueError("near must lie between 0 and 1")
    worth = {0: 1.0, 1: near}
    place = task.labels.index
    values = []
    for text, right, weight in zip(completions, gold, weights(gold, class_weights, task), strict=True):
        label = completion.parse(text, task).label
        values.append(0.0 if label is None else weight * worth.get(abs(place(label) - place(right)), 0.0))
    return values
