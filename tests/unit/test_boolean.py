"""Boolean queries: what is valid stays, what is broken is repaired or rejected, whatever comes in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acrflow.retrieval.boolean import Joined, NoQuery, Query, Term, read, terms

WORDS = st.lists(st.sampled_from(["morvane", "telvic", "scan", "fever", "acute", "64-row"]), min_size=1, max_size=3)
TERMS = st.builds(Term, WORDS.map(" ".join), st.sampled_from([None, "tiab", "MeSH Terms", "mh"]), st.booleans())
QUERIES = st.recursive(
    TERMS, lambda inner: st.builds(Joined, st.sampled_from(["AND", "OR", "NOT"]), inner, inner), max_leaves=8
)
PIECES = [
    "(",
    ")",
    '"',
    "[tiab]",
    "[nonsense]",
    "[",
    "]",
    " AND ",
    " OR ",
    " NOT ",
    " and ",
    " morvane ",
    "“",
    "é",
    ":",
]


def matches(query: Query, present: set[Term]) -> bool:
    """Whether a document with these terms fits, by the definition of the operators."""
    if isinstance(query, Term):
        return query in present
    left, right = matches(query.left, present), matches(query.right, present)
    return {"AND": left and right, "OR": left or right, "NOT": left and not right}[query.operator]


@given(QUERIES)
def test_a_valid_query_is_left_as_it_is(query: Query) -> None:
    assert read(str(query)) == (query, False)


@given(QUERIES, st.data())
def test_a_query_means_the_same_after_it_was_written_and_read(query: Query, data: st.DataObject) -> None:
    present = set(data.draw(st.lists(st.sampled_from(terms(query)))))
    assert matches(read(str(query))[0], present) == matches(query, present)


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=25).map("".join)))
def test_whatever_comes_in_is_a_valid_query_or_rejected(text: str) -> None:
    try:
        query, _ = read(text)
    except NoQuery as error:
        assert str(error)
        return
    assert read(str(query))[0] == query
    assert str(query).count("(") == str(query).count(")")
    assert all(any(letter.isalnum() or letter == "_" for letter in term.text) for term in terms(query))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ('("morvane"[tiab] AND scan', '"morvane"[tiab] AND scan'),
        ("morvane) OR scan", "morvane OR scan"),
        ("AND morvane OR AND scan NOT", "morvane OR scan"),
        ('"morvane" or ("scan" and ())', '"morvane" OR "scan"'),
        ("“telvic pain”[tiab]", '"telvic pain"[tiab]'),
        ('"morvane', "morvane"),
        ('"morvane (64)"[tiab]', '"morvane 64"[tiab]'),
        ("morvane[xyz] AND scan", "morvane AND scan"),
        ('<think>which?</think><answer>{"query": "(\\"morvane\\"[mh]) AND scan"}</answer>', '"morvane"[mh] AND scan'),
        ("```\nQuery: morvane AND scan\n```", "morvane AND scan"),
    ],
)
def test_what_is_broken_in_a_plain_way_is_repaired(text: str, query: str) -> None:
    read_query, repaired = read(text)
    assert (str(read_query), repaired) == (query, True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no search term"),
        ("AND OR ()", "no search term"),
        ("I am sorry, but as a model I cannot say which of the studies would be the best to read here", "prose"),
        ("morvane OR " * 2000, "too long"),
    ],
)
def test_what_is_no_query_is_rejected_with_its_reason(text: str, why: str) -> None:
    with pytest.raises(NoQuery, match=why):
        read(text)
