"""Boolean PubMed queries: read, repaired where that is plain, else rejected.

Syntax: https://pubmed.ncbi.nlm.nih.gov/help/#searching. Operators are upper-case and of one rank, read from left to
right; terms that stand side by side are joined by AND.
"""

import re
from dataclasses import dataclass

LONGEST = 4000  # characters of a query; PubMed itself takes more, no person writes one
PROSE = 12  # words without operator, quotes or field from which a text is prose, not a query
OPERATORS = ("AND", "OR", "NOT")
FIELDS = frozenset(
    re.split(
        ", ",
        "all fields, all, title, ti, title/abstract, tiab, text word, tw, abstract, ab, mesh terms, mesh, mh, mesh "
        "major topic, majr, mesh subheading, sh, publication type, pt, language, la, lang, date - publication, dp, "
        "pdat, author, au, journal, ta, pmid, uid, other term, ot, subset, sb, filter, supplementary concept, nm",
    )
)

_TOKEN = re.compile(r'(?P<open>\()|(?P<close>\))|(?P<quoted>"[^"]*")|(?P<field>\[[^\[\]]*\])|(?P<word>[^\s()"\[\]]+)')
_ANSWER = re.compile(r"<answer>(.*?)(?:</answer>|$)", re.DOTALL | re.IGNORECASE)
_JSON = re.compile(r'"query"\s*:\s*"((?:[^"\\]|\\.)*)"')
_OPENING = re.compile(r"^\s*(?:```\w*\s*)?(?:(?:pubmed|boolean|search|final)\s+)*query\s*[:=]\s*", re.IGNORECASE)
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "`": " ", "\n": " ", "\t": " "})
_QUOTED_OR_OPERATOR = re.compile(r'"[^"]*"|(?<=[)\]"])\s*\b(and|or|not)\b\s*(?=[("])')


class NoQuery(ValueError):
    """A text that is no Boolean query and cannot be made one; its message says why."""


@dataclass(frozen=True)
class Term:
    """Words that are looked for together, in one field or (None) in all."""

    text: str
    field: str | None = None
    quoted: bool = False

    def __str__(self) -> str:
        return (f'"{self.text}"' if self.quoted else self.text) + (f"[{self.field}]" if self.field else "")


@dataclass(frozen=True)
class Joined:
    """Two queries joined by an operator."""

    operator: str
    left: "Query"
    right: "Query"

    def __str__(self) -> str:
        right = f"({self.right})" if isinstance(self.right, Joined) else str(self.right)
        left = str(self.left)
        if isinstance(self.left, Joined) and self.left.operator != self.operator:
            left = f"({left})"
        return f"{left} {self.operator} {right}"


Query = Term | Joined
_Token = tuple[str, str]  # kind, text


def read(text: str) -> tuple[Query, bool]:
    """Read a query, as a person or a language model wrote it.

    Repaired are: what a model writes around it (a code fence, `Query:`, JSON, an answer tag), typographic quotes,
    lower-case operators between quotes, fields or
    parentheses, parentheses inside quotes, unbalanced parentheses and quotes, operators without a
    term beside them, and fields that PubMed does not have.

    Returns:
        The query, and whether it had to be repaired. `str` of the query is valid and reads as the same query.

    Raises:
        NoQuery: see `NoQuery`.

    >>> str(read('("ostrel fever"[tiab] OR AND scan')[0])
    '"ostrel fever"[tiab] OR scan'
    """
    if len(text) > 4 * LONGEST:
        raise NoQuery("too long")
    plain = " ".join(_unwrap(text).translate(_QUOTES).split())
    mended = plain
    if mended.count('"') % 2:
        last = mended.rindex('"')
        mended = mended[:last] + " " + mended[last + 1 :]
    mended = _QUOTED_OR_OPERATOR.sub(_mend, mended)
    raw = _tokens(mended)
    tokens = _balance(_without_loose_operators(_known_fields(raw)))
    if not any(kind == "term" and re.search(r"\w", text) for kind, text in tokens):
        raise NoQuery("no search term")
    words = [word for kind, word in tokens if kind == "term" and '"' not in word and "[" not in word]
    if len(tokens) == len(words) and sum(len(word.split()) for word in words) > PROSE:
        raise NoQuery("prose, no Boolean query")
    query, left = _parse(tokens)
    assert not left
    if len(str(query)) > LONGEST:
        raise NoQuery("too long")
    return query, mended != " ".join(text.split()) or raw != tokens


def terms(query: Query) -> list[Term]:
    """The terms of a query from left to right, those of what NOT excludes left out."""
    if isinstance(query, Term):
        return [query]
    return terms(query.left) + ([] if query.operator == "NOT" else terms(query.right))


def _unwrap(text: str) -> str:
    """The query in what a model writes around it."""
    answer = _ANSWER.search(text)
    text = answer[1] if answer else text
    wrapped = _JSON.search(text)
    if wrapped:
        return wrapped[1].replace('\\"', '"').replace("\\\\", "\\")
    return _OPENING.sub("", text).strip().removeprefix("```").removesuffix("```")


def _mend(found: re.Match[str]) -> str:
    """Quoted words without parentheses and brackets, which PubMed takes for its own; an operator in capitals."""
    return f" {found[1].upper()} " if found[1] else re.sub(r"[()\[\]]", " ", found[0])


def _tokens(text: str) -> list[_Token]:
    """Terms (with their field), operators and parentheses; empty quotes, stray brackets and fields alone are gone."""
    found: list[_Token] = []
    words: list[str] = []

    def flush(field: str = "") -> None:
        if words:
            found.append(("term", " ".join(words) + field))
            words.clear()

    for match in _TOKEN.finditer(text):
        kind, token = str(match.lastgroup), match[0]
        if kind == "word" and token not in OPERATORS:
            words.append(token)
        elif kind == "field":
            if words:
                flush(token)
            elif found and found[-1][0] == "term" and found[-1][1].endswith('"'):
                found[-1] = ("term", found[-1][1] + token)
        else:
            flush()
            if kind == "quoted":
                inside = " ".join(token.strip('"').split())
                found += [("term", f'"{inside}"')] if re.search(r"\w", inside) else []
            else:
                found.append(("operator" if kind == "word" else kind, token))
    flush()
    return [(kind, token) for kind, token in found if kind != "term" or re.search(r"\w", token.partition("[")[0])]


def _known_fields(tokens: list[_Token]) -> list[_Token]:
    """The same with fields that PubMed has; a term of another is looked for in all."""

    def known(token: str) -> str:
        text, bracket, field = token.partition("[")
        name = field.removesuffix("]").split(":")[0].strip().lower()
        return token if not bracket or name in FIELDS else text

    return [(kind, known(token) if kind == "term" else token) for kind, token in tokens]


def _balance(tokens: list[_Token]) -> list[_Token]:
    """The same with as many closing as opening parentheses, none of them around nothing."""
    kept: list[_Token] = []
    depth = 0
    for kind, token in tokens:
        depth += {"open": 1, "close": -1}.get(kind, 0)
        if depth < 0:
            depth = 0
            continue
        kept.append((kind, token))
    return kept + [("close", ")")] * depth


def _without_loose_operators(tokens: list[_Token]) -> list[_Token]:
    """The same without empty parentheses and without operators that lack a term on one side; of two, the first."""
    before: list[_Token] = []
    while before != tokens:
        before = tokens
        kept: list[_Token] = []
        for kind, token in tokens:
            last = kept[-1][0] if kept else "open"
            if kind == "operator" and last == "operator":
                continue
            if kind == "operator" and last == "open":
                continue
            if kind == "close" and last == "operator":
                kept.pop()
            if kind == "close" and kept and kept[-1][0] == "open":
                kept.pop()
                continue
            kept.append((kind, token))
        while kept and kept[-1][0] in ("operator", "open"):
            kept.pop()
        tokens = kept
    return tokens


def _parse(tokens: list[_Token]) -> tuple[Query, list[_Token]]:
    """The query that the tokens begin with, up to a closing parenthesis, and what is left."""
    query: Query | None = None
    operator = "AND"
    while tokens and tokens[0][0] != "close":
        kind, token = tokens[0]
        tokens = tokens[1:]
        if kind == "operator":
            operator = token
            continue
        if kind == "open":
            part, rest = _parse(tokens)
            tokens = rest[1:]
        else:
            part = _term(token)
        query = part if query is None else Joined(operator, query, part)
        operator = "AND"
    if query is None:
        raise NoQuery("no search term")
    return query, tokens


def _term(token: str) -> Term:
    text, bracket, field = token.partition("[")
    quoted = text.startswith('"')
    return Term(text.strip().strip('"'), field.removesuffix("]").strip() if bracket else None, quoted)
