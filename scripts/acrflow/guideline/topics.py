"""The topics of a run: from a topic list, or from the folders that the user supplies."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from acrflow.config.configuration import Config
from acrflow.io.errors import InputError
from acrflow.io.shipped import own_or_shipped

ROLES = ("train_test", "generalization")


@dataclass(frozen=True)
class Topic:
    """One guideline. `acr_id` and `panel` are needed for downloads only."""

    name: str
    title: str
    role: Literal["train_test", "generalization"]
    acr_id: str = ""
    panel: str = ""


def read_topics(path: Path) -> list[Topic]:
    """Read a topic list: tab-separated, columns topic, title, role and, for downloads, acr_id and panel.

    Raises:
        InputError: no file, no topics, a missing column, an unknown role or the same topic twice.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t")
            rows = list(reader)
    except FileNotFoundError:
        raise InputError(path, "the topic list is missing", "mend `topics` in the configuration") from None
    missing = {"topic", "title", "role"} - set(reader.fieldnames or ())
    if missing:
        raise InputError(path, f"no column {', '.join(sorted(missing))}", "the first line names the columns, by tabs")
    if not rows:
        raise InputError(path, "the topic list is empty", "add at least one topic, one per line")
    topics: dict[str, Topic] = {}
    for line, row in enumerate(rows, start=2):
        if row["role"] not in ROLES:
            raise InputError(f"{path}, line {line}", f"unknown role {row['role']!r}", f"use one of {', '.join(ROLES)}")
        if row["topic"] in topics:
            raise InputError(f"{path}, line {line}", f"topic {row['topic']} stands here twice", "keep one of the lines")
        topics[row["topic"]] = Topic(
            row["topic"],
            row["title"],
            row["role"],  # type: ignore[arg-type]  # checked above
            row.get("acr_id") or "",
            row.get("panel") or "",
        )
    return list(topics.values())


def slug(title: str) -> str:
    """A topic's folder name from its title: "Back Pain-Child" is back_pain_child."""
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")


def topics_of(config: Config) -> list[Topic]:
    """The topics of a run, with the roles that the configuration gives them; of a table without a topic list, only
    those held out (the others are known when it is read).

    Raises:
        InputError: there is no topic, none is left for training, `generalization` names an unknown one, or nothing can
            be downloaded as configured.
    """
    if config.source == "table" and config.topics.table is None:
        return [Topic(name, name, "generalization") for name in config.generalization or []]
    if config.source == "download":
        from acrflow.guideline.download import offered

        offered(config.publisher, config.download.url, config.download.pages)  # fails before any work
    if config.source != "folder":
        topics = read_topics(own_or_shipped(getattr(config.topics, config.source)))
    else:
        from acrflow.guideline.check import find_topics

        try:
            topics = [Topic(name, name, "train_test") for name in find_topics(Path(config.documents), config.publisher)]
        except InputError as error:
            raise InputError(f"documents: {error.where}", error.what, error.remedy) from None
    topics = _without(topics, config)
    if config.generalization is not None:
        unknown = sorted(set(config.generalization) - {topic.name for topic in topics})
        if unknown:
            known = ", ".join(topic.name for topic in topics)
            raise InputError("generalization", f"unknown topic {', '.join(unknown)}", f"the topics are {known}")
        topics = [
            Topic(topic.name, topic.title, _role(topic.name in config.generalization), topic.acr_id, topic.panel)
            for topic in topics
        ]
    if all(topic.role == "generalization" for topic in topics):
        raise InputError("generalization", "no topic is left to train on", "hold out fewer topics")
    return topics


def _without(topics: list[Topic], config: Config) -> list[Topic]:
    """The topics without those that the configuration leaves out; of a table, names may be known to the table alone."""
    unknown = sorted(set(config.topics.leave_out) - {topic.name for topic in topics})
    if unknown and config.source != "table":
        known = ", ".join(topic.name for topic in topics)
        raise InputError("topics.leave_out", f"unknown topic {', '.join(unknown)}", f"the topics are {known}")
    kept = [topic for topic in topics if topic.name not in config.topics.leave_out]
    if not kept:
        raise InputError("topics.leave_out", "no topic is left", "leave out fewer topics")
    return kept


def _role(held_out: bool) -> Literal["train_test", "generalization"]:
    return "generalization" if held_out else "train_test"
