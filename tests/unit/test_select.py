"""Evidence for a prompt: best studies first, whole abstracts, ACR's order."""

from hypothesis import given
from hypothesis import strategies as st

from acrflow.evidence.select import Study, select


def studies(*qualities: str | None, words: int = 9) -> dict[int, Study]:
    """Studies number 1, 2, ... of these qualities, each of `words` words and one more for its number."""
    return {n: Study(n, 90_000_000 + n, " ".join(["scan"] * words), q) for n, q in enumerate(qualities, start=1)}


def count_words(text: str) -> int:
    return len(text.split())


def test_all_are_kept_in_acr_order_when_they_fit() -> None:
    selection = select([3, 1, 2], studies("4", "1", None), 30, count_words)
    assert [study["number"] for study in selection.kept] == [3, 1, 2]
    assert selection.left_out == []


def test_better_study_quality_comes_first_when_the_budget_is_short() -> None:
    available = studies("4", "1", "Inadequate", "3", "Good", "2", None)
    for fitting, best in ((1, [2]), (3, [2, 5, 6]), (4, [2, 4, 5, 6])):  # ACR's key: 1 is best, 4 weakest
        selection = select(list(available), available, 10 * fitting, count_words)
        assert [study["number"] for study in selection.kept] == best
        assert selection.left_out == [number for number in available if number not in best]


def test_a_study_that_does_not_fit_makes_room_for_a_shorter_one() -> None:
    available = {1: Study(1, 90_000_001, "scan " * 50, "1"), 2: Study(2, 90_000_002, "scan", "4")}
    selection = select([1, 2], available, 10, count_words)
    assert selection.kept == [{"number": 2, "pmid": 90_000_002, "text": "scan"}]
    assert selection.left_out == [1]


def test_a_reference_without_a_text_is_neither_kept_nor_left_out() -> None:
    selection = select([1, 99, 1], studies("1"), 100, count_words)
    assert [study["number"] for study in selection.kept] == [1]
    assert selection.left_out == []


@given(
    st.lists(st.tuples(st.sampled_from(["1", "2", "3", "4", "Good", "Inadequate", None]), st.integers(0, 30))),
    st.integers(0, 200),
)
def test_the_budget_holds_and_nothing_is_lost_or_cut(drawn: list[tuple[str | None, int]], budget: int) -> None:
    available = {n: Study(n, n, "scan " * words, quality) for n, (quality, words) in enumerate(drawn, start=1)}
    selection = select(list(available), available, budget, count_words)
    assert sum(count_words(f"[{study['number']}] {study['text']}") for study in selection.kept) <= budget
    kept = {int(study["number"]): study["text"] for study in selection.kept}
    assert sorted([*kept, *selection.left_out]) == list(available)
    assert all(text == available[number].text for number, text in kept.items())
