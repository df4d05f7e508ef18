"""How probable each of a few texts is as a model's next words, with decoding held to these texts.

The texts' token sequences form a tree. Only where it branches does the model choose, and its choice is the softmax
over the branches there; a text's probability is the product along its way, so that the texts' probabilities add to 1.
For the three labels of this workflow that is two positions, after one forward pass.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Branching:
    """A place where the candidates part.

    Attributes:
        prefix: tokens from the start of the prompt up to there.
        children: the tokens that may follow.
    """

    prefix: tuple[int, ...]
    children: tuple[int, ...]


@dataclass(frozen=True)
class Tree:
    """The candidates' tree: its branchings, and for each candidate which child it takes at which of them."""

    branchings: tuple[Branching, ...]
    ways: tuple[tuple[tuple[int, int], ...], ...]  # (index in branchings, index in children)

    def on_the_way(self, tokens: tuple[int, ...]) -> list[Branching]:
        """The branchings that a sequence of tokens passes."""
        return [one for one in self.branchings if tokens[: len(one.prefix)] == one.prefix]

    def probabilities(self, logits: Sequence[Sequence[float]]) -> list[float]:
        """The candidates' probabilities.

        Args:
            logits: for each branching the logits (or log-probabilities) of its children; -inf for impossible.
        """
        shares = [_softmax(values) for values in logits]
        return [math.prod(shares[at][child] for at, child in way) for way in self.ways]


def tree(sequences: Sequence[Sequence[int]]) -> Tree | None:
    """The tree of token sequences; None where one begins another, so that they cannot be told apart."""
    whole = sorted(map(tuple, sequences))
    if any(after[: len(before)] == before for before, after in pairwise(whole)):
        return None
    branchings: list[Branching] = []
    index: dict[tuple[int, ...], int] = {}
    ways: list[list[tuple[int, int]]] = [[] for _ in sequences]
    for length in range(max(map(len, sequences), default=0)):
        groups: dict[tuple[int, ...], list[int]] = {}
        for number, sequence in enumerate(sequences):
            if len(sequence) > length:
                groups.setdefault(tuple(sequence[:length]), []).append(number)
        for prefix, members in groups.items():
            children = tuple(dict.fromkeys(sequences[number][length] for number in members))
            if len(children) < 2:
                continue
            index[prefix] = len(branchings)
            branchings.append(Branching(prefix, children))
            for number in members:
                ways[number].append((index[prefix], children.index(sequences[number][length])))
    return Tree(tuple(branchings), tuple(tuple(way) for way in ways))


def trees(
    tokenizer: Any, prompts: Sequence[str], openings: Sequence[str], candidates: Sequence[str]
) -> list[Tree | None]:
    """One tree per prompt (see `tree`).

    Prompt, opening and candidate are tokenized together, as the model would have read them.
    """
    texts = [prompt + opening + one for prompt, opening in zip(prompts, openings, strict=True) for one in candidates]
    ids = tokenizer(texts, add_special_tokens=False)["input_ids"] if texts else []
    size = len(candidates)
    return [tree(ids[start : start + size]) for start in range(0, len(ids), size)]


def _softmax(values: Sequence[float]) -> list[float]:
    highest = max(values)
    if highest == -math.inf:
        return [1 / len(values)] * len(values)
    weights = [math.exp(value - highest) for value in values]
    return [weight / sum(weights) for weight in weights]
