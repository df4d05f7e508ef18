"""The contract of a completion: one think block, one answer block, nothing else."""

import re
from dataclasses import dataclass

from acrflow.tasks import appropriateness
from acrflow.tasks.task import Task

THINK, END_THINK, ANSWER, END_ANSWER = "<think>", "</think>", "<answer>", "</answer>"
TAGS = (THINK, END_THINK, ANSWER, END_ANSWER)

_WHOLE = re.compile(r"\s*<think>(.*?)</think>\s*<answer>(.*?)</answer>\s*", re.DOTALL)
_ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
_THINK = re.compile(r"<think>(.*?)</think>", re.DOTALL)


@dataclass(frozen=True)
class Completion:
    """The parts of a completion.

    Attributes:
        reasoning: text of the one think block, None unless there is exactly one.
        label: the label in the one answer block, None unless there is exactly one and it holds a label and no more.
        well_formed: the completion is exactly one think block, then exactly one answer block, and nothing else.
    """

    reasoning: str | None
    label: str | None
    well_formed: bool


def parse(text: str, task: Task = appropriateness.TASK) -> Completion:
    """Take a completion apart. Tags are case-sensitive, as the prompt asks for them.

    A label-only completion (SFT as in the paper) has a label and no reasoning and is not well formed.

    Args:
        task: reads the label; reasoning and form are read alike whatever the task.
    """
    once = {tag: text.count(tag) == 1 for tag in TAGS}
    answer = _ANSWER.search(text) if once[ANSWER] and once[END_ANSWER] else None
    think = _THINK.search(text) if once[THINK] and once[END_THINK] else None
    return Completion(
        reasoning=think.group(1).strip() if think else None,
        label=task.parse_label(answer.group(1)) if answer else None,
        well_formed=all(once.values()) and _WHOLE.fullmatch(text) is not None,
    )


def write(reasoning: str | None, label: str) -> str:
    """The completion that gives this reasoning and label; without reasoning, the answer block alone."""
    answer = f"{ANSWER}{label}{END_ANSWER}"
    return answer if reasoning is None else f"{THINK}{reasoning}{END_THINK}{answer}"


def candidates(task: Task = appropriateness.TASK) -> tuple[str, ...]:
    """Each label as what may follow the opening of an answer, in the labels' order."""
    return tuple(f"{label}{END_ANSWER}" for label in task.labels)


def opening(text: str) -> str:
    """The completion up to where its label begins, for asking which label comes next.

    That is up to the first answer tag; a completion without one is closed for it: the end of thinking where it is
    missing, then the answer tag.
    """
    before, tag, _ = text.partition(ANSWER)
    if tag:
        return before + tag
    return text + (END_THINK if THINK in text and END_THINK not in text else "") + ANSWER
