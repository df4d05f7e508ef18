"""What rebuilds what: read from the rules' own declarations; `python tests/workflow/rebuilds.py` writes the table."""

import re
import sys
from pathlib import Path
from textwrap import fill

import yaml

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("rebuilds.yaml")
sys.path.insert(0, str(ROOT / "scripts"))

from acrflow.io import code  # noqa: E402
from acrflow.io.code import ASIDE, ASIDE_IN_TRAINING, LIBRARY, OF_REWARDS, PROGRAMS, code_of  # noqa: E402
from acrflow.workflow.layout import document_readers  # noqa: E402

HEADING = """\
# What rebuilds what: for each module of the library, the rules that run again after an edit of its code (and then what
# follows from their results). Comments, docstrings and formatting rebuild nothing. train_adapter(answer) are the
# trainings with that reward. A program rebuilds its own rule; modules that are not here decide no result.
# Written by `python tests/workflow/rebuilds.py`, held by test_rebuild.py.
"""
PUBLISHER = "acrflow/guideline/publishers/acr/__init__.py"
Declared = dict[str, tuple[tuple[str, ...], tuple[str, ...]]]  # rule -> its files, and what is aside for it


def declared() -> Declared:
    """The files that each rule declares as its code, from the rule files."""
    rules: Declared = {}
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for block in re.split(r"^(?=\s*(?:rule|use rule) )", path.read_text(), flags=re.MULTILINE):
            name = re.match(r"\s*(?:rule (\w+):|use rule (\w+) as (\w+) with:)", block)
            call = re.search(r"\*code_of\(\s*((?:(?!aside=)[\w.\"/]+,?\s*)+)(?:aside=(\[?[^\]),]+))?", block)
            if name and call:
                files = tuple(re.findall(r'"([^"]+)"', call[1].replace("layout.publisher_file", f'"{PUBLISHER}"')))
                rules[name[1] or name[3]] = (files, aside_of(call[2] or ""))
            elif name and name[2]:  # another rule's look-alike
                rules[name[3]] = (name[2],), ()
    like = {rule: files[0] for rule, (files, _) in rules.items() if files[0] in rules}
    rules |= {rule: rules[other] for rule, other in like.items()}
    for reward in sorted((LIBRARY / "rewards").glob("[!_]*.py")):
        rules[f"train_adapter({reward.stem})"] = (f"acrflow/rewards/{reward.name}",), ()
    return rules


def aside_of(text: str) -> tuple[str, ...]:
    """What a rule's `aside` names."""
    if "layout" in text:
        return tuple(document_readers("acr"))
    return (*ASIDE_IN_TRAINING, *OF_REWARDS) if text else ()


def code_by_rule(rules: Declared) -> dict[str, dict[str, str]]:
    """Rule -> its modules with their digests."""
    return {
        rule: dict(entry.split(":") for entry in code_of(*files, aside=aside)) for rule, (files, aside) in rules.items()
    }


def modules() -> dict[str, Path]:
    """Every module of the library that holds code, by its name."""
    found = {}
    for path in sorted(LIBRARY.rglob("*.py")):
        if code._read(path)[0]:
            found[code._name(path.relative_to(PROGRAMS).as_posix())] = path
    return found


def table() -> dict[str, list[str]]:
    """Module -> the rules that run again."""
    by_rule = code_by_rule(declared())
    whole = {module: [rule for rule, parts in by_rule.items() if module in parts] for module in modules()}
    return {module: minimal(rules) for module, rules in whole.items() if rules}


def minimal(rules: list[str]) -> list[str]:
    """The rules in order; where all trainings run again, those with one reward need not be named."""
    every = "train_adapter" in rules
    return sorted(rule for rule in rules if not (every and rule.startswith("train_adapter(")))


def write() -> None:
    lines = []
    for module, rules in table().items():
        text = f"{module}: [{', '.join(rules)}]"
        lines.append(fill(text, 118, subsequent_indent="  ", break_on_hyphens=False))
    TABLE.write_text(HEADING + "\n".join(lines) + "\n")


def read() -> dict[str, list[str]]:
    held: dict[str, list[str]] = yaml.safe_load(TABLE.read_text())
    return held


if __name__ == "__main__":
    write()
    undecided = sorted(set(modules()) - set(table()))
    print(f"{TABLE.name}: {len(table())} modules; of no rule, beside {', '.join(ASIDE)}:")
    print(*[name for name in undecided if name.split(".")[0] not in ASIDE])
