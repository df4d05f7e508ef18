"""Clinical entities of a text: by a token-classification model, or by a gazetteer of the guidelines' own terms."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import polars as pl
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from acrflow.io.errors import InputError
from acrflow.models.loading import pick_device
from acrflow.tasks import appropriateness
from acrflow.tasks.task import Task
from acrflow.text.sentences import split_sentences

Finder = Callable[[list[str]], list[list[str]]]  # texts -> the entities of each, distinct, lower case, in order

GAZETTEER = "gazetteer"
NO_LITERATURE = "no relevant literature"  # one entity, as in arXiv 2510.05194
LONGEST = 5  # words of a gazetteer term
_NO_LITERATURE = re.compile(
    r"\b(?:there (?:is|are) )?(?:no|insufficient|lack of|limited|little)\s+(?:\w+\s+){0,2}?"
    r"(?:literature|evidence|studies|data)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z][\w-]*")
# words of scenarios and procedures that name no clinical thing
_GENERAL = ENGLISH_STOP_WORDS | {
    *("does", "initial", "imaging", "known", "may", "new", "next", "patient", "patients", "presenting", "prior"),
    *("studies", "study", "suspected", "use", "useful", "using"),
}


def gazetteer(rows: pl.DataFrame, task: Task = appropriateness.TASK) -> Finder:
    """A finder of the terms that the fields of a task's rows are made of: conditions, scenarios and procedures.

    A term is a run of up to `LONGEST` words without a general word between them; the longest match wins.
    """
    known: set[tuple[str, ...]] = set()
    texts: Iterable[str] = {text for name in task.fields for text in rows[name]}
    for text in texts:
        for run in _runs(text):
            known.update(
                tuple(run[start : start + length])
                for length in range(1, LONGEST + 1)
                for start in range(len(run) - length + 1)
            )

    def find(texts: list[str]) -> list[list[str]]:
        return [list(dict.fromkeys([*_no_literature(text), *_matches(text, known)])) for text in texts]

    return find


def _runs(text: str) -> list[list[str]]:
    """Runs of words that no general word and no punctuation interrupts."""
    runs: list[list[str]] = [[]]
    for clause in re.split(r"[.,;:()\[\]/]", text):
        for word in _WORD.findall(clause):
            if word.lower() in _GENERAL:
                runs.append([])
            else:
                runs[-1].append(word.lower())
        runs.append([])
    return [run for run in runs if run]


def _matches(text: str, known: set[tuple[str, ...]]) -> list[str]:
    found = []
    for run in _runs(text):
        index = 0
        while index < len(run):
            fits = (length for length in range(LONGEST, 0, -1) if tuple(run[index : index + length]) in known)
            length = next(fits, 0)
            if length:
                found.append(" ".join(run[index : index + length]))
            index += length or 1
    return found


def _no_literature(text: str) -> list[str]:
    return [NO_LITERATURE] if _NO_LITERATURE.search(text) else []


def token_classifier(name: str, device: str = "auto") -> Finder:
    """A finder that asks a token-classification model, sentence by sentence, so that no text is cut off.

    Args:
        name: hub name or folder.
        device: "auto", "cpu" or "cuda".

    Raises:
        InputError: the model cannot be loaded, or classifies no tokens.
    """
    from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(name)
        model = AutoModelForTokenClassification.from_pretrained(name, use_safetensors=True)
    except (OSError, ValueError) as error:
        what = f"cannot load the token-classification model {name}: {str(error).splitlines()[0]}"
        raise InputError("models.entities", what, f"name another model, or {GAZETTEER}") from error
    # a sentence longer than the model's window is read in overlapping windows
    window = min(tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", 512) - 2)
    tokenizer.model_max_length = window
    tagger = pipeline(
        "token-classification",
        model=model,
        tokenizer=tokenizer,
        aggregation_strategy="first",
        stride=window // 4,
        device=pick_device(device),
    )

    def find(texts: list[str]) -> list[list[str]]:
        split = [list(split_sentences(text).sentences) for text in texts]
        flat = sorted({sentence for sentences in split for sentence in sentences})
        tagged = dict(zip(flat, tagger(flat, batch_size=32) if flat else [], strict=True))
        found = []
        for text, sentences in zip(texts, split, strict=True):
            words = [entity["word"].strip().lower() for sentence in sentences for entity in tagged[sentence]]
            found.append(list(dict.fromkeys([*_no_literature(text), *filter(None, words)])))
        return found

    return find
