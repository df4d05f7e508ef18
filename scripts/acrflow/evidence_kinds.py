"""Where the evidence of a prompt comes from, and what examples rendered with it are called."""

from typing import Literal

EvidenceKind = Literal["none", "acr", "retrieved"]
# The examples of a prompt that shows evidence end in its kind; the prompt itself is named after ACR's.
ENDINGS: dict[EvidenceKind, str] = {"acr": "_evidence", "retrieved": "_retrieved", "none": "_without"}


def examples_name(prompt: str, evidence: EvidenceKind) -> str:
    """Name of a prompt's rendered examples, with evidence of a kind (`ENDINGS`); of one that shows none, its own.

    >>> examples_name("reasoning_evidence", "retrieved"), examples_name("reasoning", "retrieved")
    ('reasoning_retrieved', 'reasoning')
    """
    start = prompt.removesuffix(ENDINGS["acr"])
    return prompt if start == prompt else start + ENDINGS[evidence]


def prompt_name(examples: str) -> str:
    """Name of the prompt of rendered examples: the reverse of `examples_name`."""
    ending = next((one for one in ENDINGS.values() if examples.endswith(one)), None)
    return examples if ending is None else examples.removesuffix(ending) + ENDINGS["acr"]
