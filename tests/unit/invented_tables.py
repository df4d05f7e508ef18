"""Small invented tables that several tests share."""

from pathlib import Path
from typing import Any

import polars as pl

from acrflow import schemas
from acrflow.config.roster import Model, Roster
from acrflow.io.files import write_text
from acrflow.schemas.dataset import Rows
from acrflow.schemas.inference import Predictions


def rows_of(gold: list[str]) -> pl.DataFrame:
    values = [
        {
            "id": f"row{i}",
            "topic": "topic",
            "condition": "Condition",
            "variant_number": 1,
            "variant": "Adult.",
            "procedure": f"Procedure {i}",
            "appropriateness": one,
            "traces": [],
            "evidence": [],
            "evidence_left_out": [],
        }
        for i, one in enumerate(gold)
    ]
    return pl.DataFrame(values, schema=schemas.polars_schema(Rows))


def predictions_of(answers: list[str | None], model: str = "baseline", split: str = "test") -> pl.DataFrame:
    values = [
        {
            "id": f"row{i}",
            "model": model,
            "split": split,
            "draw": "greedy",
            "completion": "",
            "label": one,
            "well_formed": one is not None,
            "tokens": 3,
            "truncated": False,
            "seconds": 0.5,
        }
        for i, one in enumerate(answers)
    ]
    return pl.DataFrame(values, schema=schemas.polars_schema(Predictions))


def write_roster(path: Path, *models: dict[str, Any]) -> Path:
    """A roster of models, each given as its fields."""
    roster = Roster(run="invented", models=[Model(**model) for model in models])
    write_text(path, roster.model_dump_json())
    return path
