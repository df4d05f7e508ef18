"""The figures that arXiv 2510.05194 publishes: shown beside ours, never mixed with them.

The paper leaves answers that do not parse out of its figures; ours count them as wrong.
"""

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

# rows gold, columns predicted, both in the order of the task's labels; answers that do not parse are left out
CONFUSION: dict[str, list[list[int]]] = {
    "baseline": [[91, 84, 160], [15, 20, 54], [4, 14, 78]],
    "citations": [[191, 67, 76], [18, 42, 27], [8, 48, 40]],
    "llm_eval": [[264, 43, 28], [35, 35, 19], [24, 33, 39]],
    "medreason_embed": [[279, 39, 16], [42, 38, 9], [28, 41, 27]],
}


def figure(model: str, kind: str, split: str, metric: str) -> float | None:
    """The published figure of the adapter or reference of this name, in our unit; None if there is none."""
    known = FIGURES.get(model, {}) if kind in ("adapter", "reference") else {}
    return known.get(split, {}).get(metric)


def left_out(adapter: str) -> int:
    """Test answers that the paper's confusion matrix of this adapter lacks."""
    return TEST_ROWS - sum(map(sum, CONFUSION[adapter]))
