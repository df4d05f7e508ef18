"""What a study names: kinds of procedures, by the words of abstracts and by MeSH, and conditions by all their names."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from acrflow.guideline.join import parse, readings
from acrflow.retrieval.queries import Names, plain_words

# `join`'s modalities in the words of prose, and what MeSH headings of them begin with. "US" alone is mostly a country.
MODALITIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "ct": (r"computed tomograph\w*|cat scan\w*|ct|cbct|hrct|mdct", ("tomography, x-ray computed", "multidetector")),
    "cta": (r"(?:computed tomograph\w*|ct) angio\w+|ctas?|ccta", ("computed tomography angiography",)),
    "ctv": (r"(?:computed tomograph\w*|ct) venogra\w+|ctv", ()),
    "ctu": (r"(?:computed tomograph\w*|ct) urogra\w+|ctu", ()),
    "mri": (r"magnetic resonance|mr|mri|mris|fmri|mpmri", ("magnetic resonance imaging",)),
    "mra": (r"(?:magnetic resonance|mr) angio\w+|mra", ("magnetic resonance angiography",)),
    "mrv": (r"(?:magnetic resonance|mr) venogra\w+|mrv", ()),
    "mru": (r"(?:magnetic resonance|mr) urogra\w+|mru", ()),
    "mrcp": (r"(?:magnetic resonance|mr) cholangio\w+|mrcp", ("cholangiopancreatography, magnetic resonance",)),
    "us": (r"ultraso\w+|\w*sonogra\w+|echocardiogra\w+|doppler", ("ultrasonography", "echocardiography")),
    "radiography": (r"\w*radiogra\w+|plain films?|x-?rays?", ("radiography", "x-rays")),
    "fluoroscopy": (r"\w*fluorosc\w+|esophagra\w+|barium|swallow", ("fluoroscopy", "barium")),
    "mammography": (r"mammogra\w+|tomosynthesis", ("mammography",)),
    "angiography": (r"\w*angiogra\w+|arteriogra\w+", ("angiography", "cerebral angiography", "coronary angiography")),
    "venography": (r"\w*venogra\w+|phlebogra\w+", ("phlebography",)),
    "scan": (r"\w*scintigra\w+|radionuclide|(?:bone|gallium|leukocyte|spect) scans?", ("radionuclide imaging",)),
    "pet": (r"positron[- ]emission\w*|pet|fdg-pet|pet[-/]ct|pet[-/]mri?", ("positron",)),
    "dxa": (r"dxa|dexa|absorptiometr\w+", ("absorptiometry",)),
}
_WORD = r"(?:^|[^\w/])(?:{})(?:$|[^\w])"  # as a word of its own


@dataclass(frozen=True)
class Wanted:
    """What a study of a procedure has to name: one of its modalities, or, of a procedure without one, all its words."""

    modalities: tuple[str, ...]
    words: tuple[str, ...]


@lru_cache(maxsize=8192)
def wanted(procedure: str) -> Wanted:
    """What a study of this procedure names.

    >>> wanted("CT or MRI telvis with IV contrast").modalities
    ('ct', 'mri')
    """
    named = (parse(reading).modalities for reading in readings(procedure))
    found = {"pet" if "pet" in re.split("[-/]", modality) else modality for one in named for modality in one}
    known = tuple(sorted(found & MODALITIES.keys()))
    return Wanted(known, () if known else tuple(sorted(parse(procedure).words)))


def searchable(records: pl.DataFrame) -> pl.DataFrame:
    """Each record's title and abstract, and its MeSH headings between bars, in lower case: pmid, text, mesh.

    Args:
        records: `schemas.evidence.Records`.
    """
    abstract = pl.col("sections").list.eval(pl.element().struct.field("text")).list.join(" ", ignore_nulls=True)
    return records.select(
        "pmid",
        text=pl.concat_str(pl.col("title").fill_null(""), abstract, separator=" ").str.to_lowercase(),
        mesh=("|" + pl.col("mesh").list.join("|") + "|").str.to_lowercase(),
    )


def modalities_named(texts: pl.DataFrame) -> pl.DataFrame:
    """Whether each study names each of `MODALITIES`: pmid and a Boolean column per modality.

    Args:
        texts: of `searchable`.
    """
    return texts.select(
        "pmid",
        *(
            (
                pl.col("text").str.contains(_WORD.format(words))
                | (pl.col("mesh").str.contains("|".join(rf"\|{re.escape(one)}" for one in mesh)) if mesh else False)
            ).alias(name)
            for name, (words, mesh) in MODALITIES.items()
        ),
    )


def words_named(words: Sequence[str]) -> pl.Expr:
    """Whether a study names all these words, in singular or plural."""
    return pl.all_horizontal(pl.col("text").str.contains(_WORD.format(re.escape(word) + "s?")) for word in words)


def condition_names(condition: str, known: Names) -> list[tuple[str, pl.Expr]]:
    """Every name of a condition with the test whether a study has it.

    Args:
        condition: the guideline's title; where a dash or a colon parts it, either part will do.
        known: PubMed's own names of it: MeSH headings and words.
    """
    found: dict[str, pl.Expr] = {}
    for heading in known.headings:
        found[f"MeSH {heading}"] = pl.col("mesh").str.contains(f"|{heading.lower()}|", literal=True)
    for word in known.words:
        found[word] = pl.col("text").str.contains(_WORD.format(re.escape(word) + "s?"))
    for part in plain_words(condition).split(" OR "):
        found.setdefault(part, words_named(part.split()))
    return list(found.items())


def first_named(texts: pl.DataFrame, names: Iterable[tuple[str, pl.Expr]]) -> list[str | None]:
    """The first of these names that each study has; None for none."""
    expression = pl.coalesce(*(pl.when(test).then(pl.lit(name)) for name, test in names))
    return texts.select(expression.alias("name"))["name"].to_list()
