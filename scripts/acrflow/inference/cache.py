"""Answers of a language model, each generated once: a file holds them, so that a killed run goes on where it was."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from acrflow.config.language_model import LanguageModel
from acrflow.inference.backend import Backend, Conversation, Decoding, Generated, identity, open_language_model

Progress = Callable[[int], None]  # told how many prompts were done
Score = Callable[[Backend, Sequence[Conversation], Sequence[Generated]], list[list[float] | None]]
Name = TypeVar("Name", bound=Hashable)


class Answer(NamedTuple):
    """A generated text.

    Attributes:
        text: without special tokens.
        tokens: its length, with the end of sequence.
        truncated: it was cut at the length limit.
        seconds: its share of its batch's wall time.
        probabilities: what `score` made of it, if anything.
    """

    text: str
    tokens: int
    truncated: bool
    seconds: float = 0.0
    probabilities: list[float] | None = None


@dataclass(frozen=True)
class CachedModel:
    """A language model, and the file that its answers are cached in.

    Each finished batch is a line of the file before the next one begins: a kill loses at most one batch, and a line
    that it cut off is ignored. Answers are found again by prompt, decoding and `identity`.

    Attributes:
        open: loads the model; called only if an answer is left to generate.
        identity: what decides the answers beside prompt and decoding; those of another identity are not used.
        path: JSON lines, an object of key -> answer for each batch.
        batch: prompts generated at once.
    """

    open: Callable[[], Backend]
    identity: Mapping[str, Any]
    path: Path
    batch: int

    @classmethod
    def of(cls, settings: LanguageModel, path: Path, batch: int) -> "CachedModel":
        """The configured model; a server is sent a whole batch at once."""
        return cls(lambda: open_language_model(settings, at_once=batch), identity(settings), path, batch)

    def complete(
        self,
        prompts: Mapping[Name, Conversation],
        decoding: Decoding,
        progress: Progress = lambda prompts: None,
        adapter: str | None = None,
        score: Score | None = None,
    ) -> dict[Name, Answer]:
        """An answer to every prompt.

        Args:
            prompts: name -> conversation, batched in this order; names are values that JSON can hold.
            decoding: how answers are drawn. A resumed call draws the batches that an uninterrupted one would have.
            progress: called with the number of answers done, those found in the file first.
            adapter: which of the backend's adapters answers; None: the base.
            score: gives greedy answers their probabilities.
        """
        decided_by = json.dumps([dict(self.identity), vars(decoding)], sort_keys=True)
        keys = {name: _key(decided_by, name, prompt) for name, prompt in prompts.items()}
        found = _read(self.path)
        done = {name: Answer(*found[key]) for name, key in keys.items() if key in found}
        left = [name for name in prompts if name not in done]
        first = len(done) // self.batch  # the number of the next batch, which its seed depends on
        progress(len(done))
        backend = self.open() if left else None
        for number, start in enumerate(range(0, len(left), self.batch), first):
            names = left[start : start + self.batch]
            assert backend is not None
            conversations, began = [prompts[name] for name in names], time.perf_counter()
            generated = backend.generate(conversations, decoding, number, adapter)
            seconds = (time.perf_counter() - began) / len(names)
            scored = decoding.seed is None and score is not None
            shares = score(backend, conversations, generated) if scored and score else [None] * len(names)
            answers = {
                name: Answer(one.text, one.tokens, one.truncated, seconds, share)
                for name, one, share in zip(names, generated, shares, strict=True)
            }
            _append(self.path, {keys[name]: answer for name, answer in answers.items()})
            done |= answers
            progress(len(names))
        return done


def longest_first(prompts: Mapping[Name, Conversation]) -> dict[Name, Conversation]:
    """The prompts by length, so that like lengths stand together and little is padded."""
    return dict(sorted(prompts.items(), key=lambda prompt: -len(prompt[1][-1]["content"])))


def _key(decided_by: str, name: Any, prompt: Conversation) -> str:
    return hashlib.sha256(f"{decided_by}\n{json.dumps([name, prompt])}".encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    """What earlier calls generated; a line that a kill cut off is ignored, and so is one of another format."""
    found: dict[str, Any] = {}
    for line in path.read_bytes().split(b"\n")[:-1] if path.is_file() else []:
        try:
            batch = json.loads(line)
        except ValueError:
            continue
        found |= batch if isinstance(batch, dict) else {}
    return found


def _append(path: Path, batch: Mapping[str, Answer]) -> None:
    """Add a line, on one of its own even after a cut one, and see it on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab") as file:
        file.write(b"\n" + json.dumps(batch).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
