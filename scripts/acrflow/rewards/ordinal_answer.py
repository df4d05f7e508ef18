"""Reward: the answer is right, and a near miss is better than a far one."""

from acrflow.rewards import reward
from acrflow.rewards._by_label import ClassWeights, weights
from acrflow.tasks import completion
from acrflow.tasks.appropriateness import LABELS


@reward(columns=("appropriateness",), low=0.0, high=1.0)
def ordinal_answer(
    completions: list[str],
    appropriateness: list[str],
    *,
    near: float = 0.5,
    class_weights: ClassWeights | None = None,
) -> list[float]:
    """1 for the gold label, `near` for the label next to it, 0 for the far one and where no label can be read.

    The labels are ordered: Usually Not Appropriate, May Be Appropriate, Usually Appropriate.

    Args:
        near: between 0 (as `answer`) and 1.
        class_weights: see `acrflow.rewards._by_label.weights`; `balanced` in the configuration.
    """
    if not 0 <= near <= 1:
        raise ValueError("near must lie between 0 and 1")
    worth = {0: 1.0, 1: near, 2: 0.0}
    values = []
    for text, gold, weight in zip(completions, appropriateness, weights(appropriateness, class_weights), strict=True):
        label = completion.parse(text).label
        steps = 2 if label is None else abs(LABELS.index(label) - LABELS.index(gold))
        values.append(weight * worth[steps])
    return values
