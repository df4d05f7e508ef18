"""Cached PubMed records to condensed Parquet, against Biopython's reader; and what condensing keeps and drops.

Speed: 20,000 records of a full cache through the two programs of the workflow. Fidelity: the numbers of the evidence
tables' "Study Results" that are kept, where the real evidence tables are. Their studies' abstracts are not at hand, so
"Study Objective" and "Study Results" together stand for an abstract without headings: the findings are known there.
"""

import io
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from harness import ROOT, help_or_go, write

sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

RECORDS, BASELINE_RECORDS, RUNS, FIRST = 20_000, 400, 3, 90_000_001
NOT_STATED = re.compile(r"(?i)\bnot? (results )?stated")
NUMBER = re.compile(r"\d+(?:[.,·]\d+)*")


def main() -> None:
    from eutils_programs import real_or_invented

    originals, kind = real_or_invented()
    readable = {pmid: xml for pmid, xml in originals.items() if biopython_reads(xml)}
    seconds, processor, baseline = [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        prepare(folder, originals)
        for _ in range(RUNS):
            begin, used = time.perf_counter(), processor_seconds()
            ours(folder)
            seconds.append(time.perf_counter() - begin)
            processor.append(processor_seconds() - used)
            begin = time.perf_counter()
            biopython(readable)
            baseline.append(BASELINE_RECORDS / (time.perf_counter() - begin))
        fidelity = abstracts(folder, len(originals))
    rates = [RECORDS / taken for taken in seconds]
    write(
        "condense",
        ours=statistics.mean(rates),
        baseline=statistics.mean(baseline),
        ratio=statistics.mean(rates) / statistics.mean(baseline),
        unit="records/s",
        runs=RUNS,
        spread={"ours": round(statistics.stdev(rates), 3), "baseline": round(statistics.stdev(baseline), 3)},
        baseline_is=f"Bio.Entrez.read, sections RESULTS and CONCLUSIONS, of {BASELINE_RECORDS} records in memory, "
        f"made of the {len(readable)} of {len(originals)} that it reads",
        seconds_for_20000=round(statistics.mean(seconds), 1),
        processor_seconds_for_20000=round(statistics.mean(processor), 1),
        documents=f"{RECORDS} records made of {len(originals)} {kind} ones, both programs with their start",
        abstracts=fidelity,
        evidence_tables=evidence_tables(),
    )


def prepare(folder: Path, originals: dict[int, str]) -> None:
    """A full cache and the list of its PMIDs."""
    from eutils_programs import renumbered

    from acrflow.evidence.cache import Cache

    cache = Cache(folder / "cache")
    for start in range(FIRST, FIRST + RECORDS, 1000):
        for pmid, xml in renumbered(originals, 1000, start).items():
            cache.store(pmid, f"<PubmedArticleSet>{xml}</PubmedArticleSet>".encode())
    (folder / "pmids.txt").write_text("\n".join(map(str, range(FIRST, FIRST + RECORDS))))


def ours(folder: Path) -> None:
    """From the cache to condensed.parquet, as the workflow does it; there is no server to ask."""
    records, ledger = str(folder / "records.parquet"), ["--ledger", str(folder / "ledger.json")]
    fetch = ["--source", "entrez", "--url", "http://127.0.0.1:9", "--cache", str(folder / "cache")]
    fetch += ["--pmids", str(folder / "pmids.txt"), "--out", records]
    condense = ["--records", records, "--out", str(folder / "condensed.parquet")]
    for program, options in (("fetch_records", fetch), ("condense_abstracts", condense)):
        command = [sys.executable, str(ROOT / f"scripts/evidence/{program}.py"), *options, *ledger]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def processor_seconds() -> float:
    """What the programs that have ended used; unlike the wall clock, it does not count the machine's other work."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def biopython(originals: dict[int, str]) -> None:
    """Each record read by Biopython, its labelled sections kept, the whole abstract where it has none."""
    from eutils_programs import renumbered

    for xml in renumbered(originals, BASELINE_RECORDS, FIRST).values():
        for article in read_by_biopython(xml)["PubmedArticle"]:
            parts = article["MedlineCitation"]["Article"].get("Abstract", {}).get("AbstractText", [])
            kept = [part for part in parts if part.attributes.get("NlmCategory") in ("RESULTS", "CONCLUSIONS")]
            " ".join(kept or parts)


def biopython_reads(xml: str) -> bool:
    """Whether Biopython reads a record: it refuses some that were sent under an older DTD."""
    try:
        read_by_biopython(xml)
    except ValueError:
        return False
    return True


def read_by_biopython(xml: str) -> Any:
    from Bio import Entrez

    doctype = (
        '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
        '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">'
    )
    whole = f'<?xml version="1.0"?>{doctype}<PubmedArticleSet>{xml}</PubmedArticleSet>'
    return Entrez.read(io.BytesIO(whole.encode()), validate=False)


def abstracts(folder: Path, distinct: int) -> dict[str, Any]:
    """Words and numbers of the records' own abstracts that are kept, structured or not; each record once."""
    import polars as pl

    records = pl.read_parquet(folder / "records.parquet").head(distinct)
    condensed = pl.read_parquet(folder / "condensed.parquet").head(distinct)
    found: dict[str, list[tuple[str, str]]] = {"structured": [], "unstructured": []}
    for sections, text in zip(records["sections"].to_list(), condensed["text"].to_list(), strict=True):
        if text:
            kind = "structured" if any(section["label"] for section in sections) else "unstructured"
            found[kind].append((" ".join(section["text"] for section in sections), text))
    return {kind: kept(pairs) for kind, pairs in found.items()}


def evidence_tables() -> dict[str, Any]:
    """What condensing keeps of each real topic's "Study Results" and of the objectives before them."""
    from acrflow.guideline.publishers.acr.evidence_table import read_evidence_table

    shared = Path(os.environ.get("ACRFLOW_SHARED_DATA", ROOT.parent / "shared" / "data"))
    tables = sorted(shared.glob("acr/*/evidence_table.pdf"))
    return {table.parent.name: fidelity_of(read_evidence_table(table)) for table in tables}


def fidelity_of(studies: list[Any]) -> dict[str, Any]:
    """Numbers and words kept, where the results are stated."""
    from acrflow.evidence.condense import condense_sections
    from acrflow.text.sentences import split_sentences

    pairs, results = [], []
    words = {"objective": [0, 0], "results": [0, 0]}
    stated = [study for study in studies if study.results and not NOT_STATED.search(study.results)]
    for study in stated:
        objective = f"{study.objective.rstrip(' .')}." if study.objective else ""
        whole = f"{objective} {study.results}".strip()
        text = condense_sections([{"label": None, "category": None, "text": whole}], "findings")
        pairs.append((whole, text))
        results.append((study.results, text))
        for part, source in (("objective", objective), ("results", study.results)):
            for sentence in split_sentences(source).sentences:
                words[part][0] += len(sentence.split()) if sentence in text else 0
                words[part][1] += len(sentence.split())
    shares = {f"{part}_words_kept": round(left / all_, 3) for part, (left, all_) in words.items()}
    return {"kept_number_rate_of_results": kept(results)["kept_number_rate"], **shares, **kept(pairs)}


def kept(pairs: list[tuple[str, str]]) -> dict[str, float]:
    """Share of the words that is left, and of the numbers (each as often as it stands there)."""
    words = [sum(len(text.split()) for text in side) for side in zip(*pairs, strict=True)]
    numbers = [Counter(NUMBER.findall(source)) for source, _ in pairs]
    left = [Counter(NUMBER.findall(text)) & count for (_, text), count in zip(pairs, numbers, strict=True)]
    rate = sum(map(Counter.total, left)) / sum(map(Counter.total, numbers))
    return {"abstracts": len(pairs), "compression": round(words[1] / words[0], 3), "kept_number_rate": round(rate, 3)}


if __name__ == "__main__":
    help_or_go(__doc__)
    main()
