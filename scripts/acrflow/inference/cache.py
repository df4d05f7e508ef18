"""Texts that a model generates once: kept line by line, so that a killed run and a later one take them up."""

import hashlib
import json
import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from acrflow.inference.backend import Backend, Conversation, Decoding

Progress = Callable[[int], None]  # told how many texts were done
Name = TypeVar("Name", bound=Hashable)


class Answer(NamedTuple):
    """A generated text, and whether it was cut at the length limit."""

    text: str
    truncated: bool


def generate_kept(
    asked: Mapping[Name, Conversation],
    open_backend: Callable[[], Backend],
    decoding: Decoding,
    batch: int,
    kept: Path,
    identity: Mapping[str, Any],
    progress: Progress = lambda texts: None,
) -> dict[Name, Answer]:
    """An answer to every conversation; long prompts first, so that like lengths stand together.

    Args:
        asked: name -> conversation; names can be sorted.
        open_backend: loads the model; called only if an answer is left to generate.
        decoding: how answers are drawn.
        batch: answers generated at once.
        kept: JSON lines of what was generated.
        identity: what decides the model's texts; those of another identity are not used.
        progress: called with the number of answers done, those found in `kept` first.
    """
    made_by = json.dumps([dict(identity), vars(decoding)], sort_keys=True)
    keys = {name: _key(made_by, question) for name, question in asked.items()}
    found = _read(kept)
    done = {name: found[key] for name, key in keys.items() if key in found}
    left = sorted(asked.keys() - done.keys(), key=lambda name: (-len(asked[name][-1]["content"]), name))
    progress(len(done))
    backend = open_backend() if left else None
    for start in range(0, len(left), batch):
        names = left[start : start + batch]
        assert backend is not None
        generated = backend.generate([asked[name] for name in names], decoding, start // batch)
        answers = {name: Answer(one.text, one.truncated) for name, one in zip(names, generated, strict=True)}
        _append(kept, [(keys[name], *answer) for name, answer in answers.items()])
        done |= answers
        progress(len(names))
    return done


def _key(made_by: str, question: Conversation) -> str:
    return hashlib.sha256(f"{made_by}\n{json.dumps(question)}".encode()).hexdigest()


def _read(kept: Path) -> dict[str, Answer]:
    """What earlier calls generated; a line that a kill cut off is ignored."""
    found = {}
    for line in kept.read_bytes().split(b"\n")[:-1] if kept.is_file() else []:
        try:
            key, text, truncated = json.loads(line)
        except ValueError:
            continue
        found[key] = Answer(text, truncated)
    return found


def _append(kept: Path, lines: Sequence[tuple[str, str, bool]]) -> None:
    """Add lines, on ones of their own even after a cut one, and see them on the disk."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with open(kept, "ab") as file:
        file.write(b"".join(b"\n" + json.dumps(line).encode() for line in lines) + b"\n")
        file.flush()
        os.fsync(file.fileno())
