"""Reward: as many of the panel as voted for the predicted category."""

from acrflow.rewards import reward
from acrflow.rewards._by_label import ClassWeights, weights
from acrflow.tasks import completion
from acrflow.tasks.appropriateness import LABELS


@reward(columns=("votes", "appropriateness"), low=0.0, high=1.0)
def panel_answer(
    completions: list[str],
    votes: list[list[int] | None],
    appropriateness: list[str],
    *,
    class_weights: ClassWeights | None = None,
) -> list[float | None]:
    """Share of the panel whose rating (1-3, 4-6, 7-9) falls into the predicted category; 0 without a readable label.

    Args:
        votes: nine counts, how many panelists rated 1 ... 9.
        class_weights: see `acrflow.rewards._by_label.weights`; `balanced` in the configuration.

    Returns:
        None where the guideline gives no votes.
    """
    values: list[float | None] = []
    for text, panel, weight in zip(completions, votes, weights(appropriateness, class_weights), strict=True):
        label = completion.parse(text).label
        if not panel or not sum(panel):
            values.append(None)
        elif label is None:
            values.append(0.0)
        else:
            first = 3 * LABELS.index(label)
            values.append(weight * sum(panel[first : first + 3]) / sum(panel))
    return values
