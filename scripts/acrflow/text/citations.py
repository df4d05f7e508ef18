"""Citations in a text ([n], lists and ranges), and the PMIDs that are printed beside them."""

import re
from collections.abc import Mapping

WIDEST_RANGE = 100  # references in one range; a wider or a reversed one is a misprint, and only its two ends count


# [3], [1,4-8], [12, 14–16]; neither isotopes such as [18]F nor bracketed words or statistics
CITATION = re.compile(r"\[\s*\d{1,4}(?:\s*[,;\-–−]\s*\d{1,4})*\s*\](?!(?:F|C|O|N|Ga|Tc|Lu|Cu|Zr|Rb)\b)")


_PMID = re.compile(r"[1-9][0-9]{0,7}")


def pmid_of(printed: str | int | None) -> int | None:
    """The PMID that is printed: 1 to 8 digits, the first no zero; None for anything else. This rule is the only one.

    >>> pmid_of("26209440"), pmid_of(26209440)
    (26209440, 26209440)
    >>> pmid_of("-31"), pmid_of("0123"), pmid_of("in press"), pmid_of(123456789), pmid_of(None)
    (None, None, None, None, None)
    """
    text = str(printed)
    return int(text) if _PMID.fullmatch(text) else None


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
