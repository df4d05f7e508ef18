"""What the manual takes from the sources: the rewards, the keys of the configuration, what rebuilds what.

A hook of MkDocs: where a page says `<!-- rewards -->`, `<!-- configuration -->` or `<!-- rebuilds -->`, it puts the
list. Run as a program, it writes the short list of rewards into README.md.
"""

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
REWARDS = ROOT / "scripts" / "acrflow" / "rewards"
SCHEMA = ROOT / "config" / "schema.json"
REBUILDS = ROOT / "tests" / "workflow" / "rebuilds.yaml"
MARKS = ("<!-- rewards -->", "<!-- /rewards -->")  # README.md's list stands between them
HEAD = ["| key | default | meaning |", "| --- | --- | --- |"]


def on_page_markdown(markdown: str, **_: Any) -> str:
    """MkDocs calls this for every page."""
    for mark, write in {"rewards": rewards, "configuration": configuration, "rebuilds": rebuilds}.items():
        comment = f"<!-- {mark} -->"
        markdown = markdown.replace(comment, write()) if comment in markdown else markdown
    return markdown


def reward_names() -> list[str]:
    """The rewards that there are: the files of their folder."""
    return sorted(path.stem for path in REWARDS.glob("[!_]*.py"))


def rewards() -> str:
    """Each reward with its range, its docstring and its options; read without importing it."""
    return "\n".join(_reward(name) for name in reward_names())


def _reward(name: str) -> str:
    module = ast.parse((REWARDS / f"{name}.py").read_text(encoding="utf-8"))
    function = next(node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name)
    declared = {
        keyword.arg: ast.unparse(keyword.value)
        for call in function.decorator_list
        if isinstance(call, ast.Call)
        for keyword in call.keywords
    }
    text, told = _docstring(ast.get_docstring(function) or "")
    # a keyword without a default is no option: the training provides it
    options = [
        ": ".join(filter(None, [f"- `{one.arg}`, default `{_flow(ast.literal_eval(default))}`", told.get(one.arg)]))
        for one, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
        if default is not None
    ]
    span = f"Range: {declared['low']} to {declared['high']}."
    return "\n".join([f"### `{name}`\n", f"{text} {span}\n", *options, ""])


def _docstring(text: str) -> tuple[str, dict[str, str]]:
    """A docstring as what it says (also of what is returned), and what it says of each argument."""
    parts = dict(
        zip(
            ["", *re.findall(r"^(\w+):$", text, re.MULTILINE)],
            re.split(r"^\w+:$", text, flags=re.MULTILINE),
            strict=True,
        )
    )
    told: dict[str, str] = {}
    names: list[str] = []
    for line in textwrap.dedent(parts.get("Args", "").strip("\n")).splitlines():
        start = re.match(r"([\w, ]+): (.*)", line)
        if start:
            names = start[1].split(", ")
            told |= dict.fromkeys(names, start[2])
        else:
            told |= {name: f"{told[name]} {line.strip()}" for name in names}
    returned = inspect.cleandoc(parts.get("Returns", ""))
    return " ".join(f"{parts['']} {returned}".split()), told


def configuration() -> str:
    """Every key with its default and meaning: a table of the plain values, then one for each section."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    known, keys = schema["$defs"], schema["properties"]
    plain = [_row(name, node) for name, node in keys.items() if _section(node, known) is None]
    pages = ["\n".join(["## The run\n", *HEAD, *plain])]
    for name, node in keys.items():
        section, named = _section(node, known) or ({}, "")
        if section:
            about = node.get("description") or section.get("description", "")
            rows = _rows(section["properties"], known, f"{name}.{named}")
            pages.append("\n".join([f"## {name}\n", f"{about}\n", *HEAD, *rows]))
    return "\n\n".join(pages)


def _section(node: dict[str, Any], known: dict[str, Any]) -> tuple[dict[str, Any], str] | None:
    """The section that stands below a key, and what stands between them: nothing, or a name of the user's."""
    named = [node.get("additionalProperties"), *node.get("patternProperties", {}).values()]
    within = [(one, "") for one in [node, *node.get("anyOf", [])]] + [(one, "<name>.") for one in named]
    for one, infix in within:
        section = known.get(one.get("$ref", "").rpartition("/")[2], {}) if isinstance(one, dict) else {}
        if "properties" in section:
            return section, infix
    return None


def _rows(properties: dict[str, Any], known: dict[str, Any], prefix: str) -> Iterator[str]:
    for name, node in properties.items():
        section, named = _section(node, known) or ({}, "")
        if not section or "default" in node:
            yield _row(f"{prefix}{name}", node)
        if section and (named or not isinstance(node.get("default"), dict)):  # else the row shows all of it
            yield from _rows(section["properties"], known, f"{prefix}{name}.{named}")


def _row(key: str, node: dict[str, Any]) -> str:
    default = f"`{_flow(node['default'])}`" if "default" in node else ""
    meaning = node.get("description", "")
    if any(str(choice) not in meaning for choice in node.get("enum", [])):
        meaning = f"{meaning} ({', '.join(map(str, node['enum']))})".strip()
    return f"| `{key}` | {default} | {meaning.replace('<', '&lt;').replace('|', '&#124;')} |"


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
    return text.removesuffix("\n").removesuffix("...").strip()


def rebuilds() -> str:
    """What an edit of each file makes Snakemake run again, as the test of it declares."""
    if not REBUILDS.is_file():
        return ""
    table = yaml.safe_load(REBUILDS.read_text(encoding="utf-8"))
    rows = [
        f"| `{edited}` | {', '.join(f'`{rule}`' for rule in rules) or 'nothing'} |" for edited, rules in table.items()
    ]
    return "\n".join(["| module edited | runs again |", "| --- | --- |", *rows])


def update_readme(path: Path = ROOT / "README.md") -> None:
    """Put the rewards' names between the README's marks."""
    before, _, rest = path.read_text(encoding="utf-8").partition(MARKS[0])
    _, found, after = rest.partition(MARKS[1])
    if not found:
        raise SystemExit(f"{path}: no place for the rewards. Remedy: put {' and '.join(MARKS)} on lines of their own")
    listed = textwrap.fill(", ".join(f"`{name}`" for name in reward_names()), 120, break_long_words=False)
    path.write_text(f"{before}{MARKS[0]}\n{listed}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    update_readme()
