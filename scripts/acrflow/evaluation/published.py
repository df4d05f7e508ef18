"""The figures that arXiv 2510.05194 publishes, in percent: shown beside ours, never mixed with them.

The paper leaves answers that do not parse out of its figures; ours count them as wrong.
"""

SOURCE = "arXiv 2510.05194"
TEST_ROWS = 521  # 30 % of 1,736 rows, stratified by label: 335 UNA, 90 MBA, 96 UA

FIGURES: dict[str, dict[str, dict[str, float]]] = {  # adapter -> split -> metric -> percent
    "sft": {
        "test": {"macro_f1": 36.7, "weighted_f1": 56.2},
        "generalization": {"macro_f1": 43.3, "weighted_f1": 65.1},
    },
    "baseline": {
        "test": {"macro_f1": 33.5, "weighted_f1": 37.1},
        "generalization": {"macro_f1": 31.0, "weighted_f1": 34.5},
    },
    "citations": {
        "test": {"macro_f1": 45.6, "weighted_f1": 56.6},
        "generalization": {"macro_f1": 40.5, "weighted_f1": 53.0},
    },
    "llm_eval": {
        "test": {"macro_f1": 52.7, "weighted_f1": 65.6},
        "generalization": {"macro_f1": 46.6, "weighted_f1": 63.6},
    },
    "medreason_embed": {
        "test": {"macro_f1": 51.6, "weighted_f1": 65.6},
        "generalization": {"macro_f1": 44.5, "weighted_f1": 63.3},
    },
}

# rows gold, columns predicted, both in the order of labels.LABELS; answers that do not parse are left out
CONFUSION: dict[str, list[list[int]]] = {
    "baseline": [[91, 84, 160], [15, 20, 54], [4, 14, 78]],
    "citations": [[191, 67, 76], [18, 42, 27], [8, 48, 40]],
    "llm_eval": [[264, 43, 28], [35, 35, 19], [24, 33, 39]],
    "medreason_embed": [[279, 39, 16], [42, 38, 9], [28, 41, 27]],
}


def left_out(adapter: str) -> int:
    """Test answers that the paper's confusion matrix of this adapter lacks."""
    return TEST_ROWS - sum(map(sum, CONFUSION[adapter]))
