"""Prompts: the one place that turns a row into messages, for the base model, training, evaluation and use alike.

This module imports neither torch nor polars.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from acrflow.io.errors import InputError
from acrflow.tasks import appropriateness, completion
from acrflow.tasks.task import Task

EVIDENCE = "evidence"  # the placeholder that a prompt may have beside the task's fields
NO_EVIDENCE = "none"  # what the evidence block says for a row without studies

_PLACEHOLDER = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True)
class Prompt:
    """A prompt.

    Attributes:
        name: the file's name without its ending.
        system, user: texts with placeholders in braces: the fields and, if it shows evidence, {evidence}.
        fields: the row's columns that it shows.
    """

    name: str
    system: str
    user: str
    fields: tuple[str, ...] = appropriateness.TASK.fields

    @property
    def reasoned(self) -> bool:
        """Whether it asks for a think block before the answer."""
        return completion.THINK in self.system + self.user

    @property
    def evidenced(self) -> bool:
        """Whether it shows evidence."""
        return "{evidence}" in self.system + self.user


def load_prompt(path: Path, task: Task = appropriateness.TASK) -> Prompt:
    """Read a prompt file.

    Args:
        task: whose fields it must show, each as a placeholder.

    Raises:
        InputError: no YAML file, other keys than system and user, a placeholder that is unknown or missing, or no
            answer block asked for.
    """
    path = Path(path)
    wanted = " ".join(f"{{{name}}}" for name in task.fields)
    remedy = f"a prompt file has the keys system and user, texts with the placeholders {wanted}"
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(path, f"not a prompt file: {error}", remedy) from error
    if not isinstance(values, dict) or set(values) != {"system", "user"}:
        found = ", ".join(map(str, values)) if isinstance(values, dict) else type(values).__name__
        raise InputError(path, f"expected the keys system and user, found {found}", remedy)
    if not all(isinstance(text, str) for text in values.values()):
        raise InputError(path, "system and user are not both text", remedy)
    whole = values["system"] + values["user"]
    named = set(_PLACEHOLDER.findall(whole))
    if unknown := sorted(named - {*task.fields, EVIDENCE}):
        known = ", ".join((*task.fields, EVIDENCE))
        raise InputError(path, f"unknown placeholder {{{'}, {'.join(unknown)}}}", f"known are {known}")
    if missing := [name for name in task.fields if name not in named]:
        raise InputError(path, f"the placeholder {{{'}, {'.join(missing)}}} is missing", remedy)
    if completion.ANSWER not in whole or completion.END_ANSWER not in whole:
        raise InputError(path, "it does not ask for an answer block", "name <answer>label</answer> in the system text")
    return Prompt(path.stem, values["system"].strip(), values["user"].strip(), task.fields)


def messages(prompt: Prompt, row: Mapping[str, Any]) -> list[dict[str, str]]:
    """The messages that put a row to a model.

    Args:
        prompt: the prompt.
        row: the prompt's fields and, if the prompt shows evidence, evidence as {number, pmid, text} or None.

    Returns:
        The system and the user message, each {role, content}.
    """
    values = {name: row[name] for name in prompt.fields}
    if prompt.evidenced:
        values[EVIDENCE] = evidence_block(row[EVIDENCE] or [])

    def fill(text: str) -> str:
        return _PLACEHOLDER.sub(lambda placeholder: values[placeholder[1]], text)  # one pass: values stay as they are

    return [{"role": "system", "content": fill(prompt.system)}, {"role": "user", "content": fill(prompt.user)}]


def evidence_block(studies: Iterable[Mapping[str, Any]]) -> str:
    """The studies as lines of "[n] text"; `NO_EVIDENCE` if there are none."""
    return "\n".join(f"[{study['number']}] {study['text']}" for study in studies) or NO_EVIDENCE


def prompt_hash(rendered: list[dict[str, str]]) -> str:
    """16 hex digits that stand for the messages."""
    return hashlib.sha256(json.dumps(rendered, ensure_ascii=False).encode()).hexdigest()[:16]
