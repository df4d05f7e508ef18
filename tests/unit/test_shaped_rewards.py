"""Rewards of length, repetition, votes and class: their values, ranges and options."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acrflow import rewards
from acrflow.io.errors import InputError
from acrflow.rewards.reasoning_judge import read_scores
from acrflow.tasks.appropriateness import LABELS, MBA, UA, UNA
from acrflow.text.ngrams import repeated_share

RIGHT = f"<think>x</think><answer>{UA}</answer>"
WRONG = f"<think>x</think><answer>{UNA}</answer>"
TOKENS = {"completion_tokens": lambda: 100}


def value(name: str, text: str, tokens: int = 10, **options: object) -> float | None:
    reward = rewards.load(name, options, TOKENS)
    columns = {"appropriateness": [UA], "votes": [None], "references": [[]], "traces": [[]]}
    return reward([text], completion_ids=[[0] * tokens], **columns)[0]


@pytest.mark.parametrize(
    ("text", "tokens", "expected"),
    [
        (RIGHT, 0, 1.0),
        (RIGHT, 50, 0.75),
        (RIGHT, 100, 0.5),
        (RIGHT, 100_000, 0.5),  # a limit of another run cannot turn the cosine back up
        (WRONG, 0, -1.0),
        (WRONG, 50, -0.75),
        (WRONG, 100, -0.5),
        ("", 0, -1.0),
        ("rambling", 100, -1.0),  # no answer: length gains nothing
        (RIGHT * 2, 50, -1.0),
        (RIGHT.replace("answer", "ANSWER"), 50, -1.0),
        (f"<answer>{UA}</answer>", 0, 1.0),
        (f"<think>診断 <answer>{UA}</answer></think>", 0, 1.0),
    ],
)
def test_a_right_answer_had_better_be_short_and_a_wrong_one_long(text: str, tokens: int, expected: float) -> None:
    assert value("cosine_length", text, tokens) == pytest.approx(expected)


@pytest.mark.parametrize(("tokens", "expected"), [(0, 0), (80, 0), (90, -0.5), (100, -1), (120, -1), (100_000, -1)])
def test_the_last_stretch_before_the_limit_costs(tokens: int, expected: float) -> None:
    assert value("soft_overlong", RIGHT, tokens) == pytest.approx(expected)
    assert value("soft_overlong", "", tokens, stretch=0.2) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("two words", 0),
        ("one two three four", 0),
        ("a b c a b c", -1 / 4),  # abc bca cab abc
        ("A b c a B c", -1 / 4),
        ("no " * 5, -2 / 3),
        ("no " * 33_334, -(1 - 1 / 33_332)),  # 100,000 characters
        ("診断 は 診断 は 診断 は", -1 / 2),
        (f"<think>{'x ' * 4}</think>" * 2, -1 / 7),
    ],
)
def test_repeated_trigrams_cost_their_share(text: str, expected: float) -> None:
    assert value("repetition", text) == pytest.approx(expected)


@given(st.lists(st.sampled_from("abc"), max_size=40), st.integers(1, 5))
def test_repetition_lies_between_0_and_1_and_doubling_a_text_never_lowers_it(words: list[str], n: int) -> None:
    once, twice = repeated_share(" ".join(words), n), repeated_share(" ".join(words * 2), n)
    assert 0 <= once < 1
    assert once <= twice + 1e-9


@given(st.permutations(range(9)), st.sampled_from(LABELS))
def test_the_panels_shares_add_up_and_a_row_without_votes_gives_none(votes: list[int], gold: str) -> None:
    reward = rewards.load("panel_answer", {}, {})
    texts = [f"<think>x</think><answer>{label}</answer>" for label in LABELS]
    assert sum(reward(texts, votes=[votes] * 3, appropriateness=[gold] * 3)) == pytest.approx(1)
    assert reward(texts, votes=[None, [], [0] * 9], appropriateness=[gold] * 3) == [None] * 3


def test_without_evidence_citing_nothing_is_faithful_and_citing_anything_is_not() -> None:
    cited = "<think>As known [1].</think>"
    assert (value("citation_faithfulness", RIGHT), value("citation_faithfulness", cited)) == (1, 0)


def test_a_rare_labels_answers_can_weigh_more() -> None:
    weights = {"una": 0.5, "May be appropriate": 2.0}
    texts = [f"<answer>{label}</answer>" for label in LABELS]
    for name in ("answer", "ordinal_answer"):
        reward = rewards.load(name, {"class_weights": weights}, {})
        assert reward(texts, appropriateness=list(LABELS)) == [0.25, 1.0, 0.5]
        assert reward([""] * 3, appropriateness=list(LABELS)) == [0, 0, 0]
    panel = rewards.load("panel_answer", {"class_weights": weights}, {})
    assert panel(texts[:1], votes=[[4, 0, 0, 0, 0, 4, 0, 0, 0]], appropriateness=[UNA]) == [0.125]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("answer", {"class_weights": {"perhaps": 1.0}}),
        ("answer", {"class_weights": {MBA: 0}}),
        ("answer", {"class_weights": "heavy"}),
        ("ordinal_answer", {"near": 2}),
        ("cosine_length", {"right_short": 3}),
        ("repetition", {"n": 0}),
        ("soft_overlong", {"stretch": 0}),
        ("chance", {"share": "half"}),
    ],
)
def test_a_value_that_a_reward_cannot_use_is_refused_when_it_is_loaded(name: str, options: dict[str, object]) -> None:
    with pytest.raises(InputError, match="Remedy"):
        rewards.load(name, options, TOKENS)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"medical_concepts": 6, "logic_alignment": 9, "supporting_evidence": 3}', 0.6),
        ('Sure: {"supporting_evidence": 10, "medical_concepts": 10, "logic_alignment": 10.0} Bye {', 1.0),
        ('```json\n{"medical_concepts": 0, "logic_alignment": 0, "supporting_evidence": 0}\n```', 0.0),
        ('{"medical_concepts": 6, "logic_alignment": 9}', None),
        ('{"medical_concepts": 6, "logic_alignment": 9, "supporting_evidence": 11}', None),
        ('{"medical_concepts": 6, "logic_alignment": 9, "supporting_evidence": "3"}', None),
        ('{"medical_concepts": 6, "logic_alignment": 9, "supporting_evidence": true}', None),
        ('{"medical_concepts": 6, "logic_alignment": 9, "supporting_evidence": NaN}', None),
        ('{"medical_concepts": 6, "logic_align', None),
        ("6 9 3", None),
        ("", None),
        ('{"a":' * 20_000, None),
    ],
)
def test_the_judges_scores_are_read_or_none(answer: str, expected: float | None) -> None:
    assert read_scores(answer) == (None if expected is None else pytest.approx(expected))
