"""The models that rewards and metrics use: a sentence embedder and a judge, each loaded once per process."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass
