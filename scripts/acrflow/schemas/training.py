# mypy: disable-error-code="valid-type"
# (pandera reads `pl.List(pl.Int64)` as a column type, which mypy takes for a call in an annotation)
"""Tables of the room `training`."""

import pandera.polars as pa
import polars as pl

from acrflow.schemas import Table

REWARD = pl.Struct({"reward": pl.String, "value": pl.Float64})


class TrainingLog(Table):
    """Every metric of every training step, each once: one row per step x metric, named as the trainer names it."""

    step: int = pa.Field(ge=1)
    metric: str  # loss, reward, rewards/<name>/mean, learning_rate, seconds, ...
    value: float = pa.Field(nullable=True)


class Samples(Table):
    """Completions sampled while training, a few of every twentieth part of the steps."""

    step: int = pa.Field(ge=1)
    prompt_hash: str
    completion: str
    rewards: pl.List(REWARD)  # value is null where the reward does not apply
    advantage: float  # what the completion's reward is worth against its group's
