"""Sentences: where the prose of guidelines and of completions ends one and begins the next.

pysbd proposes where sentences end; it is good at prose and brackets and knows little of citations. The rules below
refuse a cut after "et al." and its kin and before a lower-case word, and move a cut that would part a sentence from
the [n] behind its full stop. Whatever pysbd proposes, no character is lost: where its pieces do not add up to the
text (it drops text that holds the signs it uses internally), the paragraph stays one piece and is counted.
"""

import re
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from itertools import accumulate
from multiprocessing import get_context
from typing import NamedTuple

import pysbd

from acrflow.text.citations import CITATION

_ENDED = re.compile(rf"[.?!…][\"”’')\]]*(?:\s*{CITATION.pattern})*[.]?$")


_MAY_END = re.compile(r"[.?!…](?!\d|$)")  # 40 % of the real texts have none: one sentence, and nothing to ask pysbd


_TRAILING = re.compile(rf"[\"”’')\]]*\s*(?:{CITATION.pattern}[.;,]?\s*)*")  # closing signs and citations behind a stop


_NO_SPACE = re.compile(r"(?<=\]\.)(?=[A-Z][a-z])")  # "... in adults [5,7].The ..."


_NEVER_LAST = re.compile(r"(?:^|[\s(\[])(?:vs|i\.\s?e|e\.\s?g|cf|viz|Drs?|Prof|Mr|Mrs|Ms)\.$")


_NOT_BEFORE_A_NUMBER = re.compile(
    r"(?:^|[\s(\[])(?:figs?|tables?|tabs?|nos?|eqs?|refs?|vols?|approx|ca|max|min|[Pp])\.$", re.IGNORECASE
)


_ET_AL = re.compile(r"\bet\.? al\.$")


_LOWER_CASE_TERM = re.compile(r"[a-zα-ω]{1,3}-?[A-Z]")  # eGFR, mpMRI, pH: a sentence may start with these


_segmenter = pysbd.Segmenter(language="en", clean=False)


class Split(NamedTuple):
    """Sentences of a text, and how many of its paragraphs could not be split and stand as one sentence."""

    sentences: tuple[str, ...]
    unsplit: int


@lru_cache(maxsize=4096)
def split_sentences(text: str) -> Split:
    """Split prose into sentences, in order, runs of white space made one blank.

    Args:
        text: paragraphs separated by blank lines; a sentence never spans two of them.

    Returns:
        The sentences; put together they hold every character of `text` that is not white space, in order.
    """
    sentences: list[str] = []
    unsplit = 0
    for block in re.split(r"\n\s*\n", text):
        paragraph = " ".join(block.split())
        proposed = _proposed_cuts(paragraph)
        if proposed is None:
            unsplit += 1
        start = 0
        for cut in [*(proposed or ()), len(paragraph)]:
            end = _mended(paragraph, start, cut)
            if end is not None and paragraph[start:end].strip():
                sentences.append(paragraph[start:end].strip())
                start = end
    return Split(tuple(sentences), unsplit)


def _proposed_cuts(paragraph: str) -> list[int] | None:
    """Offsets where pysbd ends a sentence, the paragraph's own end not among them; None if it lost characters."""
    if not _MAY_END.search(paragraph):
        return []
    pieces = _segmenter.segment(paragraph)
    if "".join("".join(pieces).split()) != paragraph.replace(" ", ""):
        return None
    solid = [offset + 1 for offset, character in enumerate(paragraph) if character != " "]  # offset after each one
    lengths = accumulate(len("".join(piece.split())) for piece in pieces)
    cuts = {solid[length - 1] for length in lengths if length} | {m.start() for m in _NO_SPACE.finditer(paragraph)}
    return sorted(cuts - {len(paragraph)})


def _mended(paragraph: str, start: int, cut: int) -> int | None:
    """Where the sentence that begins at `start` and is proposed to end at `cut` really ends; None if not there."""
    if cut == len(paragraph):
        return cut
    if cut <= start:  # an earlier cut was moved past this one
        return None
    left = paragraph[start:cut].rstrip()
    if _NEVER_LAST.search(left):
        return None
    following = paragraph[cut:].lstrip()
    if _ET_AL.search(left) and not following[0].isupper():
        return None
    if _NOT_BEFORE_A_NUMBER.search(left) and following[0].isdigit():
        return None
    moved = _TRAILING.match(paragraph, len(paragraph[:cut].rstrip()))
    if moved and moved.end() > cut:
        cut = moved.end()
        left, following = paragraph[start:cut].rstrip(), paragraph[cut:].lstrip()
    if not following:
        return cut
    if following[0].islower() and not _LOWER_CASE_TERM.match(following):
        return None
    return cut if _ENDED.search(left) else None


def split_all(texts: Iterable[str], workers: int = 1) -> dict[str, Split]:
    """Each different text with its sentences (`split_sentences`).

    Args:
        texts: to split.
        workers: processes, used where there is a second of work (some 400 texts a second) for each.
    """
    different = list(dict.fromkeys(texts))
    workers = min(workers, len(different) // 400)
    if workers < 2:
        return {text: split_sentences(text) for text in different}
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return dict(zip(different, pool.map(split_sentences, different, chunksize=50), strict=True))
