"""Each reward, case by case, and the proof that gold travels with its prompt."""

import random
from unittest.mock import MagicMock

import pytest

from acrflow import rewards, schemas
from acrflow.config.registry import EXAMPLES, PROVIDED, find_reward, known_rewards
from acrflow.io.errors import InputError
from acrflow.models.embedder import Embedder, embedder
from acrflow.models.judge import BASE, Judge, judge
from acrflow.schemas.dataset import Examples
from acrflow.tasks.appropriateness import LABELS, MBA, UA, UNA

NOBODY = "Nobody knows it but me. "
GOOD = f"<think>CT is fast [1].</think><answer>{UA}</answer>"

VOTES = [1, 1, 1, 0, 2, 0, 3, 1, 1]  # 3 of 10 for Usually Not, 2 for May Be, 5 for Usually Appropriate

# completion -> answer, format, ordinal_answer, panel_answer, citation_faithfulness (gold: Usually Appropriate; the
# prompt shows [1] and [2])
CASES = {
    "as asked": (GOOD, 1, 1, 1, 0.5, 1),
    "white space around": (f" \n{GOOD}\n ", 1, 1, 1, 0.5, 1),
    "far label": (f"<think>x [1]</think><answer>{UNA}</answer>", 0, 1, 0, 0.3, 1),
    "near label": (f"<think>x [1,2]</think><answer>{MBA}</answer>", 0, 1, 0.5, 0.2, 1),
    "no label": ("<think>x [1]</think><answer>perhaps</answer>", 0, 1, 0, 0, 1),
    "label in lower case": (f"<think>x [1]</think><answer>{UA.lower()}</answer>", 1, 1, 1, 0.5, 1),
    "label with more words": (f"<think>x [1]</think><answer>{UA} I think</answer>", 0, 1, 0, 0, 1),
    "tags missing": (f"x [1] {UA}", 0, 0, 0, 0, 0),
    "empty": ("", 0, 0, 0, 0, 0),
    "answer alone": (f"<answer>{UA}</answer>", 1, 0, 1, 0.5, 0),
    "think empty": (f"<think></think><answer>{UA}</answer>", 1, 1, 1, 0.5, 0),
    "think not closed": (f"<think>x [1]<answer>{UA}</answer>", 1, 0, 1, 0.5, 0),
    "answer not closed": (f"<think>x [1]</think><answer>{UA}", 0, 0, 0, 0, 1),
    "two answers": (f"{GOOD}<answer>{UA}</answer>", 0, 0, 0, 0, 1),
    "two thinks": (f"<think>x [1]</think>{GOOD}", 1, 0, 1, 0.5, 0),
    "nested": (f"<think>x [1]<answer>{UA}</answer></think>", 1, 0, 1, 0.5, 1),
    "other order": (f"<answer>{UA}</answer><think>x [1]</think>", 1, 0, 1, 0.5, 1),
    "upper-case tags": (GOOD.replace("think", "THINK").replace("answer", "ANSWER"), 0, 0, 0, 0, 0),
    "text before": (f"Well. {GOOD}", 1, 0, 1, 0.5, 1),
    "text after": (f"{GOOD} Done.", 1, 0, 1, 0.5, 1),
    "unicode": (f"<think>☢ ≥ 3 µg – 診断 🩻 [1–2]</think><answer>{UA}</answer>", 1, 1, 1, 0.5, 1),
    "one of two citations invented": (f"<think>x [1, 7]</think><answer>{UA}</answer>", 1, 1, 1, 0.5, 0.5),
    "only invented citations": (f"<think>x [8].</think><answer>{UA}</answer>", 1, 1, 1, 0.5, 0),
    "no citation": (f"<think>x</think><answer>{UA}</answer>", 1, 1, 1, 0.5, 0),
    "cited outside the reasoning": (f"[1]<think>x</think>[2]<answer>{UA}</answer>", 1, 0, 1, 0.5, 0),
    "100,000 characters": (f"<think>{'word [2] ' * 11_000}</think><answer>{UA}</answer>", 1, 1, 1, 0.5, 1),
    "100,000 open tags": ("<think>" * 15_000, 0, 0, 0, 0, 0),
}


class Nothing(dict):  # type: ignore[type-arg]
    """No models: loading a reward that asks for none must not look for any."""

    def __getitem__(self, name: str) -> None:
        raise AssertionError(f"asked for {name}")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_every_shape_of_completion(case: tuple[str, float, float, float, float, float]) -> None:
    text, answer, format, ordinal, panel, citation = case
    assert rewards.load("answer", {}, Nothing())([text], appropriateness=[UA]) == [answer]
    assert rewards.load("format", {}, Nothing())([text]) == [format]
    assert rewards.load("ordinal_answer", {}, Nothing())([text], appropriateness=[UA]) == [ordinal]
    assert rewards.load("panel_answer", {}, Nothing())([text], appropriateness=[UA], votes=[VOTES]) == [panel]
    assert rewards.load("citation_faithfulness", {}, Nothing())([text], references=[[1, 2]]) == [citation]


@pytest.fixture(scope="session")
def bundled() -> Embedder:
    return embedder("bundled", "cpu")


def embedding(bundled: Embedder, texts: list[str], gold: list[str], traces: list[list[str]], **options: bool):
    reward = rewards.load("reasoning_embedding", options, {"embedder": lambda: bundled})
    return reward(texts, appropriateness=gold, traces=traces)


def test_reasoning_that_repeats_the_gold_traces_is_worth_1(bundled: Embedder) -> None:
    traces = ["CT is fast and useful in acute disease [1].", "Contrast can harm the kidney [2,3]."]
    text = f"<think>{traces[1]} {traces[0]}</think><answer>{UNA}</answer>"
    assert embedding(bundled, [text], [UA], [traces]) == [pytest.approx(1.0, abs=1e-4)]


def test_more_of_the_gold_reasoning_is_worth_more_and_other_talk_little(bundled: Embedder) -> None:
    traces = ["CT is fast and useful in acute disease.", "Contrast can harm the kidney."]
    said = [" ".join(traces), traces[0], "The museum opens at nine on Sundays."]
    texts = [f"<think>{text}</think><answer>{UA}</answer>" for text in said]
    whole, half, none = embedding(bundled, texts, [UA] * 3, [traces] * 3)
    assert whole > half > none
    assert none < 0.3


def test_the_gate_gives_nothing_for_a_wrong_answer(bundled: Embedder) -> None:
    trace = ["CT is fast."]
    right, wrong = (f"<think>CT is fast.</think><answer>{label}</answer>" for label in (UA, UNA))
    values = embedding(bundled, [right, wrong, right], [UA, UA, MBA], [trace] * 3, gated=True)
    assert values == [pytest.approx(1.0, abs=1e-4), 0.0, 0.0]


def test_no_reasoning_is_worth_0_and_a_row_without_traces_gives_none(bundled: Embedder) -> None:
    texts = [f"<answer>{UA}</answer>", f"<think> </think><answer>{UA}</answer>", GOOD]
    assert embedding(bundled, texts, [UA] * 3, [["A fact."], ["A fact."], []]) == [0.0, 0.0, None]


def test_gold_is_embedded_once_and_a_batch_in_one_call(bundled: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []
    encode = bundled.encode
    monkeypatch.setattr(bundled, "encode", lambda sentences: calls.append(sentences) or encode(sentences))
    traces = [["Only said in this test."], ["And this one too."]]
    for _ in range(2):
        embedding(bundled, [GOOD, GOOD], [UA, UA], traces)
    assert [len(call) for call in calls if call] == [2, 2, 2]  # generated, gold, generated again


def test_shuffled_batches_keep_gold_with_its_prompt(bundled: Embedder, tiny_base: str) -> None:
    """Permuting rows permutes the rewards: no reward looks at a completion's place in the batch."""
    facts = [
        "CT is fast.",
        "Dogs bark.",
        "Contrast harms kidneys.",
        "The train is late.",
        "MRI is slow.",
        "Rain falls.",
    ]
    pairs = [(said, gold) for said in LABELS for gold in LABELS]
    rows = [
        # every second row repeats its own gold, which has one to three sentences and is like no other row's
        (f"<think>{' '.join(gold) if place % 2 else NOBODY * place} [1]</think><answer>{label}</answer>", right, gold)
        for place, (label, right) in enumerate(pairs)
        for gold in [[f"{facts[(place + more) % 6]} {place}." for more in range(1 + place % 3)]]
    ]
    order = random.Random(1).sample(range(len(rows)), len(rows))
    votes = [[place, 1, 0, 0, 8 - place, 2, 3, 0, place] for place in range(len(rows))]
    references = [[[1], [], [1, place]][place % 3] for place in range(len(rows))]
    provided = {
        "embedder": lambda: bundled,
        "judge": lambda: judge(BASE, tiny_base, "cpu"),
        "completion_tokens": lambda: 40,
    }
    options = {"reasoning_embedding": {"gated": True}, "reasoning_judge": {"least_mass": 0.0}}
    loaded = [
        rewards.load(name, options.get(name, {}), provided)
        for name in [one for one in known_rewards() if one != "chance"]
    ]
    for reward in [*loaded, rewards.load("reasoning_embedding", {}, provided)]:
        straight, shuffled = (
            reward(
                [rows[place][0] for place in places],
                completion_ids=[[0] * len(rows[place][0].split()) for place in places],
                appropriateness=[rows[place][1] for place in places],
                traces=[rows[place][2] for place in places],
                votes=[votes[place] for place in places],
                references=[references[place] for place in places],
            )
            for places in (range(len(rows)), order)
        )
        assert shuffled == pytest.approx([straight[place] for place in order], abs=1e-5), reward.__name__
        # a reward that is the same for all rows would prove nothing; this one is 1 for all that is well formed
        assert reward.__name__ == "format" or len(set(straight)) > 1, reward.__name__


def test_each_completion_is_compared_with_its_own_gold(bundled: Embedder) -> None:
    traces = [["Dogs bark."], ["CT is fast.", "Rain falls."], [], ["Contrast harms kidneys."], ["MRI is slow."]]
    texts = [f"<think>{' '.join(gold)}</think><answer>{UA}</answer>" for gold in traces]
    values = embedding(bundled, texts, [UA] * 5, traces)
    assert values[2] is None
    assert values[:2] + values[3:] == pytest.approx([1.0] * 4, abs=1e-4)


@pytest.fixture(scope="session")
def asked(tiny_base: str):
    """The reward with the tiny model as its judge: what it says is noise, but it is read as any judge's."""
    return lambda **options: rewards.load("reasoning_judge", options, {"judge": lambda: judge(BASE, tiny_base, "cpu")})


def test_the_judge_gives_a_score_between_0_and_1_or_none(asked) -> None:
    texts = [GOOD, f"<answer>{UA}</answer>", GOOD, "<think>Contrast harms.</think>"]
    traces = [["CT is fast."], ["CT is fast."], [], ["Contrast can harm the kidney."]]
    said, silent, no_gold, other = asked(least_mass=0.0)(texts, traces=traces)
    assert 0 < said < 1
    assert 0 < other < 1
    assert silent == 0.0
    assert no_gold is None


def test_a_judge_that_does_not_answer_with_a_number_gives_none_not_0(asked) -> None:
    assert asked(least_mass=1.0)([GOOD], traces=[["CT is fast."]]) == [None]


def test_a_judged_score_does_not_depend_on_the_rest_of_the_batch(asked) -> None:
    texts = [GOOD, f"<think>{'Contrast can harm the kidney. ' * 8}</think>", "<think>CT.</think>"]
    traces = [["CT is fast."], ["MRI is slow.", "CT is fast."], ["US has no radiation."]]
    together = asked(least_mass=0.0)(texts, traces=traces)
    alone = [asked(least_mass=0.0)([text], traces=[gold])[0] for text, gold in zip(texts, traces, strict=True)]
    assert together == pytest.approx(alone, abs=1e-4)


def test_what_a_groups_questions_have_in_common_is_read_once_and_changes_no_score(
    tiny_base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Judge(tiny_base, "cpu")
    gold = "CT is fast and shows the cause. " * 6
    questions = [f"{gold}{said}" for said in ("CT.", "US has no radiation, MRI is slow.", "", "CT is fast.")] + [
        "Other?"
    ]
    alike = ["a"] * 4 + ["b"]
    seen: list[int] = []
    model = one._model.forward
    count = lambda *args, **given: (seen.append(given["input_ids"].numel()), model(*args, **given))[1]  # noqa: E731
    monkeypatch.setattr(one._model, "forward", count)
    apart = one.expected_scores(questions, 0)
    read_apart = sum(seen)
    seen.clear()
    assert one.expected_scores(questions, 0, alike) == pytest.approx(apart, abs=1e-5)
    assert sum(seen) < 0.7 * read_apart
    groups = [one._tokens(questions, pad=False)["input_ids"][part] for part in (slice(4), slice(4, 5))]
    both = one._last_logits(groups)  # as on a GPU, groups of different length in one pass
    for row, text in enumerate(text for group in groups for text in group):
        assert both[row].tolist() == pytest.approx(one._last_logits([[text]])[0].tolist(), abs=1e-4)


def test_chance_is_seeded_by_step_and_blind_to_the_text() -> None:
    class State:
        global_step = 3

    reward = rewards.load("chance", {"seed": 5}, Nothing())
    first = reward([GOOD] * 200, trainer_state=State)
    assert reward([""] * 200, trainer_state=State) == first
    assert 60 < sum(first) < 140
    State.global_step = 4
    assert reward([GOOD] * 200, trainer_state=State) != first


def test_every_known_reward_loads_and_declares_itself() -> None:
    assert set(known_rewards()) >= {"answer", "format", "reasoning_judge", "reasoning_embedding"}
    for name in known_rewards():
        reward = rewards.load(name, {}, {"embedder": MagicMock, "judge": MagicMock, "completion_tokens": lambda: 8})
        assert reward.__name__ == name
        assert set(reward.columns) <= set(EXAMPLES)


def test_what_rewards_need_is_what_they_take_by_keyword() -> None:
    needs = {name: find_reward(name)[1].needs for name in known_rewards()}
    assert {name: need for name, need in needs.items() if need} == {
        **dict.fromkeys(("answer", "ordinal_answer", "panel_answer"), ("task",)),
        "cosine_length": ("task", "completion_tokens"),
        "reasoning_embedding": ("task", "embedder"),
        "reasoning_judge": ("judge",),
        "soft_overlong": ("completion_tokens",),
    }
    assert all(set(need) <= set(PROVIDED) for need in needs.values())


def test_the_columns_that_a_reward_may_ask_for_are_those_of_the_examples() -> None:
    assert set(EXAMPLES) == set(schemas.polars_schema(Examples))


def test_an_unknown_reward_or_option_is_named_with_what_there_is() -> None:
    with pytest.raises(InputError, match=r"rewards\.beauty: unknown reward beauty; known are answer"):
        rewards.load("beauty", {}, Nothing())
    with pytest.raises(InputError, match=r"(?s)unknown option sed.*seed, share"):
        rewards.load("chance", {"sed": 1}, Nothing())
