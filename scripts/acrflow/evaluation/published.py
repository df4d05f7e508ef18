"""The figures that arXiv 2510.05194 publishes, and which models of a run they may stand beside.

The paper leaves answers that do not parse out of its figures; ours count them as wrong.
"""

import re
from collections.abc import Collection, Sequence
from typing import Any

from acrflow.config.configuration import Config

SOURCE = "arXiv 2510.05194"
TASK = "appropriateness"
TEST_ROWS = 521  # 30 % of 1,736 rows, stratified by label: 335 UNA, 90 MBA, 96 UA
# rows of the 30 train/test and of the 5 held-out topics, in the order of the task's labels
ROWS = {"train and test": (1115, 300, 321), "generalization": (175, 32, 52)}
HELD_OUT = frozenset(
    (
        "acute_hand_and_wrist_trauma",
        "chronic_elbow_pain",
        "ovarian_cancer_screening",
        "seizures_and_epilepsy",
        "thoracic_back_pain",
    )
)
RETRIEVED = "generalization_retrieved"  # the generalization topics with retrieved instead of ACR's evidence


def _model(
    test: tuple[float, float],
    generalization: tuple[float, float],
    retrieved: tuple[float, float] | None = None,
    judge: float | None = None,
    entity_f1: float | None = None,
    relative_time: float | None = None,
) -> dict[str, dict[str, float]]:
    """Split -> metric -> figure in our unit, from macro and weighted F1 and entity F1 in percent, and judge of 10."""
    splits = {"test": test, "generalization": generalization, RETRIEVED: retrieved}
    figures = {
        split: {"macro_f1": pair[0] / 100, "weighted_f1": pair[1] / 100} for split, pair in splits.items() if pair
    }
    if judge is not None:
        figures["test"]["judge"] = judge / 10
    if entity_f1 is not None:
        figures["test"]["entity_f1"] = entity_f1 / 100
    if relative_time is not None:
        figures["test"]["relative_time"] = relative_time
    return figures


FIGURES: dict[str, dict[str, dict[str, float]]] = {
    "sft": _model((36.7, 56.2), (43.3, 65.1)),
    "baseline": _model((33.5, 37.1), (31.0, 34.5), (31.0, 34.5), 5.64, 37.9, 1.0),
    "citations": _model((45.6, 56.6), (40.5, 53.0), (40.4, 46.6), 7.28, 61.2, 1.2),
    "llm_eval": _model((52.7, 65.6), (46.6, 63.6), (43.8, 54.9), 7.57, 65.4, 1.8),
    "medreason_embed": _model((51.6, 65.6), (44.5, 63.3), (45.9, 55.0), 7.67, 65.5, 1.3),
    "llama_405b": _model((47.0, 53.7), (51.7, 60.0)),
}

TITLES = {
    "sft": "SFT (Llama 3.1 8B, ACR)",
    "baseline": "Baseline (Llama 3.1 8B, ACR)",
    "citations": "Citations (Llama 3.1 8B, ACR)",
    "llm_eval": "LLM Eval (Llama 3.1 8B, ACR)",
    "medreason_embed": "MedReason-Embed (Llama 3.1 8B, ACR)",
    "llama_405b": "prompted (Llama 3.1 405B, ACR)",
}
LARGE = re.compile(r"llama-?3\.1-405b", re.IGNORECASE)  # as servers call it

# rows gold, columns predicted, both in the order of the task's labels; answers that do not parse are left out
CONFUSION: dict[str, list[list[int]]] = {
    "baseline": [[91, 84, 160], [15, 20, 54], [4, 14, 78]],
    "citations": [[191, 67, 76], [18, 42, 27], [8, 48, 40]],
    "llm_eval": [[264, 43, 28], [35, 35, 19], [24, 33, 39]],
    "medreason_embed": [[279, 39, 16], [42, 38, 9], [28, 41, 27]],
}


def published_names(config: Config) -> dict[str, str]:
    """The run's models that are systems of the paper, with the paper's name: same data, same base, same recipe.

    A name says nothing: an adapter called `citations` with another reward, base or topic list is another system. The
    seed and the machine do not matter.
    """
    paper = Config()  # every default is the paper's
    if not _same_data(config, paper):
        return {}
    names: dict[str, str] = {}
    if config.base.model == paper.base.model:
        recipes = {theirs: _recipe(paper, theirs) for theirs in paper.adapters}
        for ours in config.adapters:
            for theirs, recipe in recipes.items():
                if recipe == _recipe(config, ours):
                    names[ours] = theirs
    for name, reference in config.evaluation.references.items():
        if reference.evidence == "acr" and LARGE.search(reference.model):
            names[name] = "llama_405b"
    return names


def _same_data(config: Config, paper: Config) -> bool:
    """Whether task, topics, and the choice and split of the rows are the paper's, and the documents the ACR's."""
    topics = {"download": config.topics.download, "table": config.topics.table}.get(config.source)
    chosen = {"split", "test_share", "disagreement"}
    return (
        config.task == TASK
        and topics == paper.topics.download
        and not config.topics.leave_out
        and config.generalization is None
        and config.dataset.model_dump(include=chosen) == paper.dataset.model_dump(include=chosen)
    )


def _recipe(config: Config, name: str) -> dict[str, Any]:
    """What makes an adapter what it is, besides data and base: reward, hyperparameters and the models that it asks."""
    adapter = config.adapters[name]
    models = {"reasoning_embedding": config.models.embedder, "reasoning_judge": config.models.judge}
    return {
        **adapter.model_dump(exclude={"seed", "seeds", "resources", "training"}),
        "training": config.hyperparameters(name).model_dump(),
        "models": {reward: model for reward, model in models.items() if reward in adapter.rewards},
    }


def figure(name: str | None, split: str, metric: str) -> float | None:
    """What the paper prints for its system of this name, in our unit; None if nothing."""
    return FIGURES.get(name or "", {}).get(split, {}).get(metric)


def other_systems(attached: Collection[str], split: str, metrics: Sequence[str]) -> list[dict[str, Any]]:
    """The paper's systems that no model of a run is: name and figures of a split, None where it prints nothing.

    Args:
        attached: the paper's names of those that are models of the run; their figures stand beside the run's.
    """
    rows = [
        {"model": f"paper: {title}", **{metric: figure(name, split, metric) for metric in metrics}}
        for name, title in TITLES.items()
        if name not in attached
    ]
    return [row for row in rows if any(row[metric] is not None for metric in metrics)]


def left_out(adapter: str) -> int:
    """Test answers that the paper's confusion matrix of this adapter lacks."""
    return TEST_ROWS - sum(map(sum, CONFUSION[adapter]))
