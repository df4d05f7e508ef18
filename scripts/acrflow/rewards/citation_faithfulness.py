"""Reward: the reasoning cites what the prompt holds, and something where it holds anything."""

from acrflow.rewards import reward
from acrflow.tasks import completion
from acrflow.text.citations import citations


@reward(columns=("references",), low=0.0, high=1.0)
def citation_faithfulness(completions: list[str], references: list[list[int]]) -> list[float]:
    """Share of the distinct reference numbers cited in the reasoning that the prompt's evidence block holds.

    Returns:
        0 without reasoning; without any citation, 0 where there is evidence and 1 where there is none.
    """
    values = []
    for text, shown in zip(completions, references, strict=True):
        reasoning = completion.parse(text).reasoning
        cited = citations(reasoning or "")
        if not reasoning:
            values.append(0.0)
        elif not cited:
            values.append(float(not shown))
        else:
            values.append(len(set(cited) & set(shown)) / len(cited))
    return values
