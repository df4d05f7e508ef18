"""Traces: the reasoning of a row as one-fact sentences, in the document's order, each with its citations.

pysbd proposes where sentences end; it is good at prose and brackets and knows little of citations. The rules below
refuse a cut after "et al." and its kin and before a lower-case word, and move a cut that would part a sentence from
the [n] behind its full stop. Whatever pysbd proposes, no character is lost: where its pieces do not add up to the
text (it drops text that holds the signs it uses internally), the paragraph stays one trace and is counted.
"""

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from itertools import accumulate
from multiprocessing import get_context
from typing import NamedTuple

import polars as pl
import pysbd

from acrflow import schemas
from acrflow.ledger import Ledger

WIDEST_RANGE = 100  # references in one range; a wider or a reversed one is a misprint, and only its two ends count

# [3], [1,4-8], [12, 14–16]; neither isotopes such as [18]F nor bracketed words or statistics
CITATION = re.compile(r"\[\s*\d{1,4}(?:\s*[,;\-–−]\s*\d{1,4})*\s*\](?!(?:F|C|O|N|Ga|Tc|Lu|Cu|Zr|Rb)\b)")
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


def citations(text: str) -> list[int]:
    """Reference numbers that `text` cites, each once, in order of appearance; [1,4-8] gives 1, 4, 5, 6, 7, 8."""
    numbers: dict[int, None] = {}
    for bracket in CITATION.finditer(text):
        for part in re.split(r"[,;]", bracket.group().strip("[]")):
            first, *more = (int(number) for number in re.findall(r"\d+", part))
            last = more[-1] if more else first
            whole_range = 0 <= last - first <= WIDEST_RANGE
            numbers.update(dict.fromkeys(range(first, last + 1) if whole_range else (first, last)))
    return list(numbers)


def renumbered(text: str, numbers: Mapping[int, int]) -> str:
    """The text with other reference numbers; what `numbers` does not hold is no longer cited.

    >>> renumbered("CT is quick [3,7]. US is safe [4].", {7: 1})
    'CT is quick [1]. US is safe.'
    """

    def replace(bracket: re.Match[str]) -> str:
        kept = [numbers[number] for number in citations(bracket[0]) if number in numbers]
        return f"{bracket[1]}[{','.join(map(str, kept))}]" if kept else ""

    return re.sub(rf"(\s*)(?:{CITATION.pattern})", replace, text)


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


def extract(guidelines: pl.DataFrame, ledger: Ledger, workers: int = 1) -> pl.DataFrame:
    """The traces of every row that has reasoning.

    Args:
        guidelines: one row per condition x variant x procedure (`schemas.Guidelines`).
        ledger: gets the rows without reasoning, and as facts the number of traces and of paragraphs left whole.
        workers: processes that split (`split_all`).

    Returns:
        One row per trace (`schemas.Traces`), positions from 0 in the order of the text.
    """
    traces: list[dict[str, object]] = []
    unsplit: set[str] = set()
    splits = split_all(guidelines["reasoning"].fill_null(""), workers)
    for row in guidelines.iter_rows(named=True):
        ledger.taken += 1
        split = splits[row["reasoning"] or ""]
        if not split.sentences:
            ledger.leave_out("no reasoning", f"{row['topic']}: variant {row['variant_number']}, {row['procedure']}")
            continue
        ledger.kept += 1
        if split.unsplit:
            unsplit.add(row["reasoning"])
        for position, trace in enumerate(split.sentences):
            traces.append({"id": row["id"], "position": position, "trace": trace, "citations": citations(trace)})
    ledger.facts = {
        "traces": len(traces),
        "traces_with_citation": sum(bool(trace["citations"]) for trace in traces),
        "texts_with_a_paragraph_left_whole": len(unsplit),
    }
    return pl.DataFrame(traces, schema=schemas.polars_schema(schemas.Traces))
