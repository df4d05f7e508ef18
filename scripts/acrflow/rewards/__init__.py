"""Rewards: one function a module, named in the configuration with a weight and options.

A reward is written like this, in `acrflow/rewards/<name>.py`; nothing else changes:

    @reward(columns=("appropriateness",), low=0.0, high=1.0)
    def answer(completions, appropriateness, *, partial: float = 0.0):
        return [...]  # one number per completion; None: the reward does not apply to it

Completions and gold columns are lists of the same length. The gold columns come from the dataset: TRL repeats and
shuffles them with the prompt, so place i of every list belongs together. Keyword-only arguments are the options of
the configuration, checked against their annotations and once by a call without completions when the configuration is
read; or, by name, what the training provides: the shared `embedder` and `judge`, and `completion_tokens`, the length
limit. Besides the dataset's columns a reward may ask for the columns `step` (the optimizer step) and `tokens` (each
completion's length). A module of a reward loads neither torch nor polars when it is imported, so that a dry run stays
instant. This package imports no reward, so that an adapter depends on its own ones alone.

May import the rooms from `io` up to `dataset`.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from acrflow.config.registry import COUNTED, DECLARATION, Declaration, check_options, declare, find_reward
from acrflow.io.errors import InputError

Values = Sequence[float | None]
Function = Callable[..., Values]


class RewardError(ValueError):
    """A reward broke its word: wrong length, a value that is not finite, or one outside its declared range."""


def reward(columns: tuple[str, ...], low: float, high: float) -> Callable[[Function], Function]:
    """Declare a reward function.

    Args:
        columns: gold columns that it takes after the completions, in that order.
        low, high: its range, both ends included.
    """

    def decorate(function: Function) -> Function:
        setattr(function, DECLARATION, declare(function, columns, low, high))
        return function

    return decorate


class Reward:
    """A reward as TRL calls it: takes the completions' texts, checks every value, measures itself.

    Attributes:
        __name__: the reward's name, under which TRL logs its mean and spread.
        columns: dataset columns that it needs (those of `COUNTED` are not among them).
    """

    def __init__(self, name: str, function: Function, declaration: Declaration):
        self.__name__ = name
        self._function, self._arguments = function, declaration.columns
        self._low, self._high = declaration.low, declaration.high
        self.columns = tuple(column for column in declaration.columns if column not in COUNTED)

    def __call__(
        self,
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]] = (),
        log_metric: Callable[[str, float], None] | None = None,
        trainer_state: Any = None,
        **columns: Any,
    ) -> list[float | None]:
        """Reward each completion.

        Args:
            completions: texts, or conversations whose last message is the completion.
            completion_ids: their tokens, for the column `tokens`.
            log_metric: TRL's logger; gets `rewards/<name>/none` (share) and `rewards/<name>/seconds`. Mean and
                spread are TRL's own.
            columns: the dataset's columns, aligned with the completions; those not asked for are ignored.

        Raises:
            RewardError: see there.
        """
        texts = [text if isinstance(text, str) else text[-1]["content"] for text in completions]
        columns["step"] = [getattr(trainer_state, "global_step", 0)] * len(texts)
        columns["tokens"] = [len(ids) for ids in completion_ids]
        gold = [columns[name] for name in self._arguments]
        for name, values in zip(self._arguments, gold, strict=True):
            if len(values) != len(texts):
                raise RewardError(f"reward {self.__name__}: {len(values)} values of {name}, {len(texts)} completions")
        started = time.perf_counter()
        values = self._checked(self._function(texts, *gold), len(texts))
        if log_metric is not None:
            log_metric(f"rewards/{self.__name__}/none", values.count(None) / max(1, len(values)))
            log_metric(f"rewards/{self.__name__}/seconds", time.perf_counter() - started)
        return values

    def _checked(self, values: Values, expected: int) -> list[float | None]:
        if len(values) != expected:
            raise RewardError(f"reward {self.__name__}: {len(values)} values for {expected} completions")
        low, high = self._low, self._high
        checked: list[float | None] = []
        for place, value in enumerate(values):
            # a little slack: cosines computed in float32 may exceed 1 by a rounding error
            if value is not None and not (math.isfinite(value) and low - 1e-5 <= value <= high + 1e-5):
                raise RewardError(f"reward {self.__name__}: {value} at place {place}, outside [{low}, {high}]")
            checked.append(None if value is None else min(max(float(value), low), high))
        return checked


def load(name: str, options: Mapping[str, Any], provided: Mapping[str, Callable[[], Any]]) -> Reward:
    """Load a reward by name; only its own module is imported.

    Args:
        options: the configuration's options of this reward.
        provided: how to get what a reward may ask for (`registry.PROVIDED`), called only if it does.

    Raises:
        InputError: no such reward, an option that it does not have, or a value that it cannot use.
    """
    try:
        function, declaration = find_reward(name)
    except ValueError as error:
        remedy = f"write scripts/acrflow/rewards/{name}.py with a function {name} under @reward"
        raise InputError(f"rewards.{name}", str(error), remedy) from None
    needed = {need: provided[need]() for need in declaration.needs}
    try:
        check_options(name, options, needed)
    except ValueError as error:
        raise InputError(f"rewards.{name}.options", str(error), f"see {function.__module__}") from None
    return Reward(name, partial(function, **options, **needed), declaration)
