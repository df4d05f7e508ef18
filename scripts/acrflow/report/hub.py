"""The hub folder: every adapter with a model card that says how good it is, laid out like the published adapters."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from acrflow import schemas
from acrflow.io.errors import InputError
from acrflow.io.files import whole_folder, write_text
from acrflow.io.shipped import own_or_shipped
from acrflow.report import tables
from acrflow.report.adapter_card import environment, model_card
from acrflow.schemas.training import TrainingLog
from acrflow.training import recipe

FOLDERS = {"llm_eval": "llm-eval", "medreason_embed": "custom_embedding"}  # published names; others keep their own
WEIGHTS = ("adapter_model.safetensors", "adapter_config.json")
CARRIED = (recipe.FILE, "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
LOG = "training_log.parquet"
SHOWN = (*tables.HEADLINE, "unsafe_up", "unsafe_down", "ece", *tables.REASONING)


def folder_of(adapter: str) -> str:
    """The adapter's folder on the hub."""
    return FOLDERS.get(adapter, adapter)


def write(
    adapters: Sequence[Path], trainings: Path, compared: pl.DataFrame, facts: dict[str, Any], out: Path
) -> list[str]:
    """Write the hub folder, whole.

    Args:
        adapters: the adapters' folders.
        trainings: folder with what each training measured, {adapter}/training_log.parquet.
        compared: `schemas.evaluation.Comparison`.
        facts: run, base, documents, topics, rows (of the training split), invented, tiny.
        out: the folder to write.

    Returns:
        Names of the adapters' folders in it.

    Raises:
        InputError: an adapter is not whole, or of an older version.
    """
    prompts = Path(facts["prompts"])
    names = []
    with whole_folder(out) as temporary:
        for folder in adapters:
            missing = [name for name in WEIGHTS if not (folder / name).is_file()]
            if missing:
                raise InputError(folder, f"no whole adapter: {', '.join(missing)} missing", "train it again")
            made_by = recipe.read(folder)
            target = temporary / folder_of(folder.name)
            target.mkdir()
            for name in (*WEIGHTS, *CARRIED):
                if (folder / name).is_file():
                    shutil.copyfile(folder / name, target / name)
            log = trainings / folder.name / LOG
            measured = schemas.read(TrainingLog, log) if log.is_file() else None
            if measured is not None:
                shutil.copyfile(log, target / LOG)
            shutil.copyfile(own_or_shipped(str(prompts / f"{made_by.prompt}.yaml")), target / "prompt.yaml")
            results = _results(compared, folder.name)
            card = model_card(made_by, measured, facts["rows"], target.name, facts, results)
            write_text(target / "README.md", card)
            names.append(target.name)
        overview = environment().get_template("hub.md.j2").render(names=names, results=_overview(compared), **facts)
        write_text(temporary / "README.md", overview)
    return names


def _results(compared: pl.DataFrame, adapter: str) -> dict[str, Any]:
    """Split -> Markdown table of the adapter beside the best baseline and the ceiling, a figure a line."""
    found = {}
    for split in compared["split"].unique(maintain_order=True):
        frame = tables.wide(compared, split, SHOWN)
        baselines = frame.filter(kind="baseline").sort("macro_f1", descending=True, nulls_last=True)
        wanted = [adapter, *baselines["model"][:1], *frame.filter(kind="ceiling")["model"]]
        rows = {row["model"]: row for row in frame.to_dicts()}
        shown = [rows[name] for name in wanted if name in rows]
        lines = [f"| | {' | '.join(row['model'] for row in shown)} |", f"| --- |{' ---: |' * len(shown)}"]
        for metric in tables.shown(frame):
            if rows[adapter][metric] is not None:
                cells = [tables.METRICS[metric].heading, *(_cell(row, metric) for row in shown)]
                lines.append(f"| {' | '.join(cells)} |")
        found[split] = {"table": "\n".join(lines), "rows": rows[adapter]["rows"]}
    return found


def _overview(compared: pl.DataFrame) -> str:
    """The performance table on the test split."""
    frame = tables.wide(compared, "test", tables.HEADLINE)
    return tables.markdown(tables.for_readers(frame, "Test rows"))


def _cell(row: dict[str, Any], metric: str) -> str:
    text = tables.written(metric, row[metric])
    if row[f"{metric}_low"] is None:
        return text
    return f"{text} [{tables.written(metric, row[f'{metric}_low'])}, {tables.written(metric, row[f'{metric}_high'])}]"


def upload(folder: Path, repository: str, private: bool) -> str:
    """Upload the hub folder as it stands; the token is that of `huggingface-cli login` or HF_TOKEN.

    Returns:
        The address of the commit.

    Raises:
        InputError: no such folder, no token, no right to write there, or no network.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

    if not (folder / "README.md").is_file():
        raise InputError(folder, "no hub folder", "build it first: snakemake hub")
    remedy = "log in with huggingface-cli login (or set HF_TOKEN), and name a repository that you may write"
    api = HfApi()
    try:
        api.create_repo(repository, private=private, exist_ok=True)
        return str(api.upload_folder(repo_id=repository, folder_path=folder, ignore_patterns=".*"))
    except (HfHubHTTPError, LocalTokenNotFoundError, OSError) as error:
        raise InputError(repository, f"cannot upload: {str(error).splitlines()[0]}", remedy) from None
