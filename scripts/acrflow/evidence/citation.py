"""Printed citations taken apart, and whether a PubMed record is the one that a citation means."""

import html
import re
import unicodedata
from dataclasses import dataclass

# where an article stands, as bibliographies print it: "62(10):2894-2899, 2017 Oct" and "2002;223(3):603-613"
_PAGE = r"(?P<page>[A-Za-z]{0,2}\d+)"
_PLACE = re.compile(
    rf"(?P<volume>\d+)\s?(?:\([^)]*\))?:\s?{_PAGE}[^,;:]{{0,30}}(?:;[^,;:]{{0,30}})?,\s?(?P<year>[12]\d{{3}})\b[^.]*"
    rf"|(?P<year2>[12]\d{{3}})(?:\s[A-Z][a-z]+(?:\s\d+)?)?;\s?(?P<volume2>\d+)\s?(?:\([^)]*\))?"
    rf":\s?{_PAGE.replace('page', 'page2')}"
)
_REMARK = re.compile(r"\s*\[[A-Z][A-Za-z ]*\]\.?")  # "[Review]." after a title
_SENTENCE_END = re.compile(r"[.?!]+\s+")
_CAPITALS = re.compile(r"[A-Z][A-Z ]*")  # a piece of an abbreviated journal: "EMERG", "J"

LIKE = 0.8  # share of title words in common, of all words in either, from which titles are the same
ALIKE = 0.5  # the same where journal place, year and author agree as well


@dataclass(frozen=True)
class Citation:
    """A citation's parts, as printed; empty or None where it has none.

    Attributes:
        author: the first one, with initials ("Mirel AB").
        page: the first one, for instance "203", "e72" or "W32".
    """

    author: str
    title: str
    journal: str
    year: int | None
    volume: str
    page: str

    @property
    def has_place(self) -> bool:
        """Whether it names a journal, and a page there."""
        return bool(self.journal and self.page and self.year)


def read_citation(text: str) -> Citation:
    """Take a printed citation apart: "Authors. Title. Journal. 62(10):289-99, 2017 Oct." or "... 2017;62(10):289-99."

    A citation that repeats its place under the journal's abbreviation gives the abbreviation.

    >>> read_citation("Mirel AB, Osta K. Scans of morvane. [Review]. Imagin Radiol. 4(2):17-23, 2011 May.")
    Citation(author='Mirel AB', title='Scans of morvane', journal='Imagin Radiol', year=2011, volume='4', page='17')
    """
    text = " ".join(text.split())
    places = list(_PLACE.finditer(text))
    head = text[: places[0].start()] if places else text
    authors, _, rest = head.partition(". ")
    title, journal = _title_and_journal(rest) if places else (rest, "")
    if len(places) > 1:
        journal = text[places[0].end() : places[1].start()].strip(" .") or journal
    found = places[0].groupdict() if places else {}
    year = found.get("year") or found.get("year2")
    return Citation(
        author=authors.split(",")[0].strip(),
        title=title.strip(" ."),
        journal=journal,
        year=int(year) if year else None,
        volume=found.get("volume") or found.get("volume2") or "",
        page=found.get("page") or found.get("page2") or "",
    )


def same_study(cited: Citation, found: Citation) -> bool:
    """Whether a record is the study that a citation means.

    The years may differ by one (online and in print). A page or volume that both have must be the same. Then the title
    decides, alone or, where it was translated or shortened, together with page, volume and first author.
    """
    if cited.year is None or found.year is None or abs(cited.year - found.year) > 1:
        return False
    pages, volumes = (_key(cited.page), _key(found.page)), (_key(cited.volume), _key(found.volume))
    if (all(pages) and pages[0] != pages[1]) or (not all(pages) and all(volumes) and volumes[0] != volumes[1]):
        return False
    likeness = title_likeness(cited.title, found.title)
    if likeness >= LIKE:
        return True
    placed = all(pages) and all(volumes) and volumes[0] == volumes[1]
    return placed and likeness >= ALIKE and _surname(cited.author) == _surname(found.author) != ""


def title_likeness(one: str, other: str) -> float:
    """Words that two titles share, of all words in either: 0 to 1. Case, accents and markup do not count."""
    words, others = set(title_words(one)), set(title_words(other))
    return len(words & others) / len(words | others) if words and others else 0.0


def title_words(title: str) -> list[str]:
    """The words of a title in plain lower case."""
    return re.findall(r"[a-z0-9]+", _plain(re.sub(r"</?[a-zA-Z][^>]*>", "", html.unescape(title))))


def _title_and_journal(text: str) -> tuple[str, str]:
    """Cut "Title. Journal." where the journal begins, whose name may hold full stops ("EMERG. RADIOL.")."""
    remark = _REMARK.search(text)
    if remark:
        return text[: remark.start()], text[remark.end() :].strip(" .")
    ends = list(_SENTENCE_END.finditer(text.rstrip(" .")))
    while len(ends) > 1 and _CAPITALS.fullmatch(text[ends[-2].end() : ends[-1].start()]):
        ends.pop()
    if not ends:
        return text, ""
    return text[: ends[-1].start()], text[ends[-1].end() :].strip(" .")


def _surname(author: str) -> str:
    return _plain(re.sub(r"\s+[A-Z]{1,3}(?:\s+(?:Jr|Sr|\d\w\w))?\.?$", "", author.strip()))


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())


def _plain(text: str) -> str:
    """Lower case without accents."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in folded if not unicodedata.combining(letter))
