"""The names, scenarios and spellings of real topics survive being printed in the documents' layout and read again."""

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from test_invent_roundtrip import parse, truth_of

from acrflow.guideline.layout import squeeze
from acrflow.synthetic.language import Reference, Row, Section, Topic, Variant
from acrflow.synthetic.studies import Study
from acrflow.tasks.appropriateness import parse_category

TOPICS = 16  # of 261; about a second each
ODD_SIGNS = re.compile(r"[^\x20-\x7e\u2013\u2014\u2018\u2019\u201c\u201d\xb1\xd7\xb5\xb0]")  # not in the test's fonts
# the table's own text has blanks after hyphens, which no reader of a printed line can tell from a line's end
HYPHEN = re.compile(r"([-–]) ")


def clean(text: str | None) -> str:
    return HYPHEN.sub(r"\1", squeeze(ODD_SIGNS.sub("", text or "")))


def study(number: int, draw: random.Random) -> Reference:
    printed = draw.choice([str(draw.randint(1, 99_999_999)), str(draw.randint(1, 99_999_999)), "-3195165", None])
    values: dict[str, Any] = dict.fromkeys(Study.__dataclass_fields__)
    quality = draw.choice(["1", "2", "3", "4", "Good", "Inadequate"])
    values |= {"pmid": int(printed) if printed and printed[0] != "-" else None, "printed": printed, "quality": quality}
    values |= {"title": f"Study {number}", "authors": ("Mirel A",), "journal": ("J Pict", "J Pict"), "pages": (1, 2)}
    return Reference(number, Study(**values | {"year": 2031, "month": 1, "volume": 1, "issue": 1}))


def topics_of(table: pl.DataFrame, draw: random.Random) -> Iterator[Topic]:
    names = sorted(draw.sample(table["Topic"].unique().sort().to_list(), TOPICS))
    for name in names:
        cited = [study(number, draw) for number in range(1, 60)]
        variants = []
        for (heading,), rows in table.filter(Topic=name).group_by(["Variant"], maintain_order=True):
            number, text = re.match(r"Variant (\d+):\s*(.*)", str(heading), re.DOTALL).groups()  # type: ignore[union-attr]
            if int(number) not in [variant.number for variant in variants]:
                variants.append(variant_of(int(number), clean(text), rows, cited, draw))
        yield Topic(
            "t", clean(name), "Revised", draw.choice([2031, 2033]), ("Background.",), tuple(variants), tuple(cited)
        )


def variant_of(number: int, text: str, table: pl.DataFrame, cited: list[Reference], draw: random.Random) -> Variant:
    """Every row that has reasoning gets a section of its own, headed by its name."""
    rows, sections = [], []
    for at, row in enumerate(table.iter_rows(named=True)):
        name, reasoning = clean(row["Procedure"]), clean(row["Recommendation"])[:300].strip()
        if name.lower() in [other.procedure.lower() for other in rows]:
            continue
        if reasoning:
            sections.append(Section(name, f"Section {at}. {reasoning}"))
        rows.append(
            Row(
                procedure=name,
                category=str(parse_category(row["Appropriateness_Category"])),
                strength_of_evidence=(row["SOE"] or "").removesuffix("References"),
                adult_rrl=row["Adult_RRL"] or "O",
                pediatric_rrl=row["Peds_RRL"],
                rating=int(row["Rating"]),
                median=int(float(row["Median"])) if row["Median"] else None,
                votes=tuple(draw.randint(0, 12) for _ in range(9)),
                references=tuple(draw.sample(cited, draw.choice([0, 1, 3, 12]))),
                narrative_procedure=name,
                heading=name if reasoning else None,
                reasoning=sections[-1].reasoning if reasoning else None,
            )
        )
    return Variant(number, text, "An introduction.", tuple(rows), tuple(sections))


def test_every_row_of_real_topics_comes_back_as_it_was_printed(shared_data: Path, tmp_path: Path) -> None:
    """Figures, names and references exactly; a row with a section of its own gets that section, word for word."""
    table = pl.read_csv(shared_data / "acr_tables" / "acr_2025_all.csv.gz", infer_schema_length=0)
    for topic in topics_of(table, random.Random(5)):
        parsed, _ = parse(topic, tmp_path)
        assert [(v.number, v.text, v.introduction) for v in parsed.variants] == [
            (v.number, v.text, v.introduction) for v in topic.variants
        ]
        for found, printed in zip(parsed.variants, topic.variants, strict=True):
            for row, truth in zip(found.rows, printed.rows, strict=True):
                wanted = {**truth_of(truth), "strength_of_evidence": truth.strength_of_evidence or None}
                got = row.model_dump(exclude={"join", "join_score"})
                if truth.reasoning is None:  # another row's section may cover it
                    wanted |= {"heading": row.heading, "reasoning": row.reasoning}
                elif row.reasoning:
                    got["reasoning"] = squeeze(row.reasoning)
                assert got == wanted
