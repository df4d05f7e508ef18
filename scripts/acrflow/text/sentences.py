"""Sentences: where the prose of guidelines and of completions ends one and begins the next.

pysbd proposes where sentences end, wherever that is in doubt; it is good at prose and brackets and knows little of
citations. The rules below refuse a cut after "et al." and its kin and before a lower-case word, and move a cut that
would part a sentence from the [n] behind its full stop. Whatever pysbd proposes, no character is lost: where its
pieces do not add up to the text (it drops text that holds the signs it uses internally), the paragraph stays one piece
and is counted.
"""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from itertools import accumulate
from multiprocessing import get_context
from typing import NamedTuple

import pysbd

from acrflow.text.citations import CITATION

_ENDED = re.compile(rf"[.?!…][\"”’')\]]*(?:\s*{CITATION.pattern})*[.]?$")


_MAY_END = re.compile(r"[.?!…](?!\d|$)")  # 40 % of the real texts have none: one sentence, and nothing to ask pysbd


# A sentence surely ends behind a long word, an acronym, a year, a percentage or a bracket that holds a number, before
# a word with a capital, outside quotes and brackets. On 8,719 real narratives and 1,000 abstracts pysbd says the same
# of each of these places, so that it need not be asked: it is given the text between them, and most of that needs none.
_SURE = re.compile(
    r"(?:(?<![\w.])(?P<word>[A-Za-z]{4,}|[A-Z]{3}|(?:19|20)\d\d)|[\d\])][)%]|[A-Za-z]\d*\)|\d%)[.?!] "
    r"(?=[A-Z][A-Za-z0-9-]*[ ,])"
)


_QUOTE = re.compile('["“”]')


_TRAILING = re.compile(rf"[\"”’')\]]*\s*(?:{CITATION.pattern}[.;,]?\s*)*")  # closing signs and citations behind a stop


_NO_SPACE = re.compile(r"(?<=\]\.)(?=[A-Z][a-z])")  # "... in adults [5,7].The ..."


_NEVER_LAST = re.compile(r"(?:^|[\s(\[])(?:vs|i\.\s?e|e\.\s?g|cf|viz|Drs?|Prof|Mr|Mrs|Ms)\.$")


_NOT_BEFORE_A_NUMBER = re.compile(
    r"(?:^|[\s(\[])(?:figs?|tables?|tabs?|nos?|eqs?|refs?|vols?|approx|ca|max|min|[Pp])\.$", re.IGNORECASE
)


_ET_AL = re.compile(r"\bet\.? al\.$")


_LOWER_CASE_TERM = re.compile(r"[a-zα-ω]{1,3}-?[A-Z]")  # eGFR, mpMRI, pH: a sentence may start with these


_segmenter = pysbd.Segmenter(language="en", clean=False)
_ABBREVIATIONS = frozenset(_segmenter.language_module.Abbreviation.ABBREVIATIONS)


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
    """Offsets where a sentence may end, the paragraph's own end not among them; None if pysbd lost characters."""
    cuts: set[int] = set()
    for start, piece in _between_sure_ends(paragraph):
        proposed = _cuts_of_pysbd(piece)
        if proposed is None:
            return None
        cuts |= {start + cut for cut in proposed} | {start + len(piece)}
    return sorted(cuts - {len(paragraph)})


def _between_sure_ends(paragraph: str) -> Iterator[tuple[int, str]]:
    """The paragraph in pieces that each end where a sentence surely does, with their offsets."""
    start = 0
    for end in _SURE.finditer(paragraph):
        piece = paragraph[start : end.end() - 1]
        closed = piece.count("(") == piece.count(")") and piece.count("[") == piece.count("]")
        if closed and not _QUOTE.search(piece) and (end["word"] or "").lower() not in _ABBREVIATIONS:
            yield start, piece
            start = end.end()
    yield start, paragraph[start:]


def _cuts_of_pysbd(piece: str) -> set[int] | None:
    """Offsets where pysbd ends a sentence; None if it lost characters."""
    if not _MAY_END.search(piece):
        return set()
    parts = _segmenter.segment(piece)
    if "".join("".join(parts).split()) != piece.replace(" ", ""):
        return None
    solid = [offset + 1 for offset, character in enumerate(piece) if character != " "]  # offset after each one
    lengths = accumulate(len("".join(part.split())) for part in parts)
    return {solid[length - 1] for length in lengths if length} | {m.start() for m in _NO_SPACE.finditer(piece)}


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
