"""Choose which of a row's studies go into its prompt."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from acrflow.guideline import study_quality


@dataclass(frozen=True)
class Study:
    """A cited study: its reference number, PMID, condensed abstract and study quality as the appendix prints it."""

    number: int
    pmid: int
    text: str
    study_quality: str | None


@dataclass(frozen=True)
class Selection:
    """What a prompt shows and what did not fit.

    Attributes:
        kept: {number, pmid, text} of each study that fits (`schemas.dataset.EVIDENCE`), in ACR's order.
        left_out: reference numbers of the studies that did not fit, in ACR's order.
    """

    kept: list[dict[str, int | str]]
    left_out: list[int]


def select(
    references: list[int], studies: Mapping[int, Study], budget: int, count_tokens: Callable[[str], int]
) -> Selection:
    """Keep a row's studies within a token budget, better study quality first, whole abstracts only.

    Args:
        references: the row's reference numbers in ACR's order; a number that comes twice counts once.
        studies: the studies that have a text, by reference number. A reference that is not here has no PMID, no
            record or no abstract; it is neither kept nor left out.
        budget: tokens for all texts together, with their numbers.
        count_tokens: the real tokenizer's count for a text.

    Returns:
        The selection. A study that does not fit is passed over, and a later, shorter one may still fit.
    """
    order = [number for number in dict.fromkeys(references) if number in studies]
    best_first = sorted(order, key=lambda number: study_quality.rank(studies[number].study_quality))
    sizes = ((number, count_tokens(f"[{number}] {studies[number].text}")) for number in best_first)
    kept = set(within(budget, sizes))
    return Selection(
        kept=[{"number": n, "pmid": studies[n].pmid, "text": studies[n].text} for n in order if n in kept],
        left_out=[number for number in order if number not in kept],
    )


def within(budget: int, sizes: Iterable[tuple[int, int]]) -> list[int]:
    """Which of these (what, its size) fit into a budget, taken in order; one that does not fit is passed over."""
    kept = []
    for one, size in sizes:
        if size <= budget:
            budget -= size
            kept.append(one)
    return kept
