"""The appendix as the publisher's web page prints it: an independent witness, read with the standard library."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any


class _Tables(HTMLParser):
    """Table rows as (class of the row, [(class of the cell, text), ...]), and headings as ("heading", [("", text)])."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[str, list[list[str]]]] = []
        self._open: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kind = dict(attrs).get("class") or ""
        if tag == "h5":
            self.rows.append(("heading", [["", ""]]))
            self._open.append(self.rows[-1][1][0])
        elif tag == "tr":
            self.rows.append((kind, []))
        elif tag == "td" and self.rows:
            self.rows[-1][1].append([kind, ""])
            self._open.append(self.rows[-1][1][-1])

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "h5") and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1][1] += data


def read(path: Path) -> dict[int, dict[str, Any]]:
    """Variants by number: {"text": ..., "rows": {procedure: {...}}}, category in lower case."""
    parser = _Tables()
    parser.feed(path.read_text(encoding="utf-8"))
    variants: dict[int, dict[str, Any]] = {}
    rows: dict[str, Any] = {}
    row: dict[str, Any] = {}
    for kind, cells in parser.rows:
        texts = {cell_kind.split()[0] if cell_kind else "": " ".join(text.split()) for cell_kind, text in cells}
        values = [" ".join(text.split()) for _, text in cells]
        if kind == "heading":
            match = re.match(r"Variant (\d+):\s*(.*)", values[0])
            if match:
                rows = {}
                variants[int(match[1])] = {"text": match[2], "rows": rows}
        elif kind == "procedurestr":
            row = {
                "category": values[1].lower(),
                "soe": texts["SOE"].removesuffix("References").strip(),
                "adult": texts["RRL"],
                "pediatric": texts["PedRRL"],
                "rating": texts["rating"],
                "median": texts["MedianRating"],
                "votes": [text for (kind, _), text in zip(cells, values, strict=True) if kind == "finaltabulationsTds"],
                "references": [],
            }
            rows[texts["Procedure"]] = row
        elif "reftbltr" in kind:
            number, _, bracket = values[0].partition(" (")
            row["references"].append((int(number), bracket.removesuffix(")") or None, values[1] or None))
    return variants
