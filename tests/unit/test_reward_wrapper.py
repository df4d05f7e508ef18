"""The wrapper around every reward: what a reward function can get wrong, it catches."""

import math
import pickle

import pytest

from acrflow import rewards
from acrflow.config.registry import declare
from acrflow.rewards import Reward, RewardError

TEXTS = ["a", "b", "c"]


def declared(function, columns=(), low=0.0, high=1.0):
    return function, declare(function, columns, low, high)


def wrap(values, columns: tuple[str, ...] = (), low: float = 0.0, high: float = 1.0) -> Reward:
    return Reward("test", *declared(lambda completions, *gold: values, columns, low, high))


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 0.0], [1.0] * 4])
def test_a_list_of_the_wrong_length_is_refused(values: list[float]) -> None:
    with pytest.raises(RewardError, match="values for 3 completions"):
        wrap(values)(TEXTS)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1.1, -0.1])
def test_a_value_that_is_not_finite_or_out_of_range_is_refused_with_its_place(value: float) -> None:
    with pytest.raises(RewardError, match=r"reward test: .* at place 1, outside \[0.0, 1.0\]"):
        wrap([0.0, value, 1.0])(TEXTS)


def test_none_stays_none_and_a_rounding_error_is_cut_to_the_range() -> None:
    assert wrap([None, 1.000001, 0])(TEXTS) == [None, 1.0, 0.0]


def test_a_gold_column_of_another_length_is_refused() -> None:
    with pytest.raises(RewardError, match="2 values of traces, 3 completions"):
        wrap([1.0] * 3, columns=("traces",))(TEXTS, traces=[[], []])


def test_share_of_none_and_seconds_are_logged_under_the_rewards_name() -> None:
    logged: dict[str, float] = {}
    wrap([None, 0.5, None])(TEXTS, log_metric=logged.__setitem__)
    assert logged.pop("rewards/test/seconds") >= 0
    assert logged == {"rewards/test/none": pytest.approx(2 / 3)}


def test_conversations_are_read_as_their_last_message() -> None:
    reward = rewards.load("format", {}, {})
    text = "<think>x</think><answer>y</answer>"
    assert reward([[{"role": "assistant", "content": text}], text]) == [1.0, 1.0]


def test_the_gold_columns_arrive_in_the_declared_order_and_others_are_ignored() -> None:
    seen = []
    reward = Reward("test", *declared(lambda *lists: seen.extend(lists) or [0.0] * 3, ("votes", "id")))
    reward(TEXTS, id=[1, 2, 3], votes=[4, 5, 6], traces=[7, 8, 9], prompts=["x"] * 3)
    assert seen == [TEXTS, [4, 5, 6], [1, 2, 3]]


def test_a_reward_can_be_sent_to_another_process() -> None:
    reward = pickle.loads(pickle.dumps(rewards.load("chance", {"seed": 2}, {})))
    assert len(reward(TEXTS)) == 3
