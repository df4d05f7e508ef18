"""Records a second that are graded and assigned to rows, beside one record at a time; and what the searches ask for.

The searches of all topics are made by the program against a local E-utilities server that enforces NCBI's limit for a
key; the program is killed once on the way and started again.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from typing import Any
from xml.sax.saxutils import escape

from dataset_build import find_rows, make_tokenizer
from harness import ROOT, help_or_go, write

sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

TOPICS, QUERIES, RECORDS = 261, 8, 50_000
RUNS, FIRST, BUDGET, SEED = 2, 90_000_001, 3300, 3407  # tokens of a row's evidence: the default
BASELINE_TOPICS = 2
KILLED_AFTER = 700  # requests


def main() -> None:
    import polars as pl

    from acrflow.evidence.condense import condense
    from acrflow.io.ledger import Ledger
    from acrflow.models.tokenizer import count_tokens

    guidelines, kind = find_rows(whole=True)
    asked = searches(padded(guidelines))
    tokenizer = make_tokenizer(guidelines)
    records, found, queries, of = retrieval(guidelines)
    condensed = condense(records, "findings", Ledger("condense_found", "abstracts"))
    grader = trained(records)

    def tokens(lines: list[str]) -> list[int]:
        return count_tokens(tokenizer, lines)

    def batch(records: Any, found: Any, rows: Any) -> int:
        from acrflow.retrieval.assign import assign
        from acrflow.retrieval.grades import grade_records

        grades = grade_records(records, grader, None, Ledger("grade_studies", "records"))
        texts = condensed.join(records.select("pmid"), on="pmid", how="semi")
        ledger = Ledger("assign_studies", "rows")
        return int(assign(rows, found, queries, records, texts, grades, BUDGET, tokens, ledger).height)

    few = found["topic"].unique(maintain_order=True)[:BASELINE_TOPICS]
    own = records.join(found.filter(pl.col("topic").is_in(few.to_list())), on="pmid", how="semi")
    seconds: dict[str, list[float]] = {"ours": [], "baseline": []}
    processor = []
    for _ in range(RUNS):
        begin = time.process_time()
        seconds["ours"].append(clock(lambda: batch(records, found, guidelines)))
        processor.append(time.process_time() - begin)
        seconds["baseline"].append(clock(lambda: one_by_one(own, condensed, found, guidelines, grader, tokens)))
    rates = {
        "ours": [RECORDS / taken for taken in seconds["ours"]],
        "baseline": [own.height / taken for taken in seconds["baseline"]],
    }
    write(
        "evidence_grading",
        ours=mean(rates["ours"]),
        baseline=mean(rates["baseline"]),
        ratio=mean(rates["ours"]) / mean(rates["baseline"]),
        unit="records/s",
        runs=RUNS,
        spread={name: round(stdev(values), 3) for name, values in rates.items()},
        baseline_is=f"features, grade, tokens and likeness of one record at a time, {own.height} records",
        seconds=round(mean(seconds["ours"]), 1),
        processor_seconds=round(mean(processor), 1),
        wanted_seconds=120,
        cores=len(os.sched_getaffinity(0)),
        rows=f"{guidelines.height} {kind} rows of {guidelines['topic'].n_unique()} topics",
        documents=f"{RECORDS} records with the abstracts of {of}",
        **asked,
    )


def padded(guidelines: Any) -> Any:
    """The rows with so many invented topics more that there are `TOPICS` (the real table's names come down to 257)."""
    import polars as pl

    missing = TOPICS - guidelines["topic"].n_unique()
    more = guidelines.head(missing).with_columns(
        id="padded" + pl.col("id"), topic=pl.format("invented_{}", pl.int_range(pl.len())),
        condition=pl.format("Morvane syndrome {}", pl.int_range(pl.len())),
    )  # fmt: skip
    return pl.concat([guidelines, more])


def searches(guidelines: Any) -> dict[str, Any]:
    """Ask eight queries about every topic, by the program, killed once; what the server saw."""
    import polars as pl
    from eutils_programs import article
    from eutils_server import GOOD_KEY, EutilsServer

    from acrflow import schemas
    from acrflow.schemas.evidence import Pmids
    from acrflow.schemas.guideline import Guidelines

    conditions = guidelines["condition"].unique(maintain_order=True)
    served = {  # one study a condition
        pmid: article(pmid, title=f"Diagnostic imaging of {escape(name)}", place=(2020, 1, "1-2"), abstract="")
        for pmid, name in enumerate(conditions, FIRST)
    }
    topics, start = guidelines["topic"].n_unique(), time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as scratch,
        EutilsServer(served, limited=True) as server,
    ):
        folder = Path(scratch)
        schemas.write(Guidelines, guidelines, folder / "guidelines.parquet")
        pmids = pl.DataFrame(schema=schemas.polars_schema(Pmids))  # nothing is cited, so nothing hidden
        schemas.write(Pmids, pmids, folder / "pmids.parquet")
        entrez = ["--source", "entrez", "--url", server.url, "--cache", str(folder / "cache"), "--any-time"]
        entrez += ["--email", "someone@example.org"]
        search = [sys.executable, str(ROOT / "scripts/retrieval/search_studies.py"), *entrez]
        search += [f"--{name}={folder / name}.parquet" for name in ("guidelines", "pmids", "queries", "found")]
        search += [f"--pmids-out={folder / 'found.txt'}", f"--ledger={folder / 'search.json'}"]
        environment = {**os.environ, "NCBI_API_KEY": GOOD_KEY}
        first = subprocess.Popen(search, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while len(server.requests) < KILLED_AFTER and first.poll() is None:
            time.sleep(0.1)
        first.kill()
        first.wait()
        before = len(server.requests)
        subprocess.run(search, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        taken = time.perf_counter() - start
        fetch = [
            sys.executable,
            str(ROOT / "scripts/evidence/fetch_records.py"),
            *entrez,
            f"--pmids={folder / 'found.txt'}",
        ]
        fetch += [f"--out={folder / 'records.parquet'}", f"--ledger={folder / 'fetch.json'}"]
        subprocess.run(fetch, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wanted = len((folder / "found.txt").read_text().split())
        sent = [request.form["term"] for request in server.sent_to("esearch.fcgi")]
        again = sum(count - 1 for count in Counter(sent).values())
        batches = len(server.sent_to("efetch.fcgi"))
        status = Counter(pl.read_parquet(folder / "queries.parquet")["status"].str.split(":").list.first())
        assert topics == TOPICS and server.refused == 0 and len(sent) <= TOPICS * QUERIES and again <= 1, (
            topics,
            again,
        )
        return {
            "questions": TOPICS * QUERIES,
            "searches": len(sent),
            "searches_before_the_kill": before,
            "searches_sent_twice": again,
            "status_of_questions": dict(sorted(status.items())),
            "seconds_of_searching": round(taken, 1),
            "most_requests_within_a_second": server.most_within(1.0),
            "refused_by_the_server": server.refused,
            "records_fetched": wanted,
            "batches": batches,
        }


def retrieval(guidelines: Any) -> tuple[Any, Any, Any, str]:
    """Records found for every topic: abstracts over and over, titles that name the topic; and of what they are made."""
    import polars as pl
    from eutils_programs import real_or_invented

    from acrflow import schemas
    from acrflow.evidence.reader import read_records
    from acrflow.schemas.evidence import Records
    from acrflow.schemas.retrieval import Found, Queries

    articles, kind = real_or_invented()
    originals = list(read_records(f"<PubmedArticleSet>{''.join(articles.values())}</PubmedArticleSet>".encode()))
    topics = guidelines.select("topic", "condition").unique(maintain_order=True).rows()
    spoken = ("CT", "MRI", "Ultrasound", "Radiography", "Management")
    records, found = [], []
    for number in range(RECORDS):
        (topic, condition), original = topics[number % len(topics)], originals[number % len(originals)]
        title = f"{spoken[number % len(spoken)]} of {condition}: {original['title']}"
        records.append({**original, "pmid": FIRST + number, "title": title, "retracted": False})
        found.append((topic, FIRST + number, number // len(topics) + 1, ["condition"], False, False))
    asked = [(t, c, None, "condition", c, c, False, None, 1, "found") for t, c in topics]
    tables: list[tuple[Any, list[Any]]] = [
        (Records, records),
        (Found, found),
        (Queries, asked),
    ]
    made = [pl.DataFrame(rows, schema=schemas.polars_schema(table), orient="row") for table, rows in tables]
    made[1] = made[1].sort("topic", maintain_order=True)
    return made[0], made[1], made[2], f"{len(originals)} {kind} ones"


def trained(records: Any) -> Any:
    """A grader of usual size, taught on invented grades: what it says is of no interest here."""
    import numpy as np

    from acrflow.retrieval.features import features
    from acrflow.retrieval.quality import fit

    draw = np.random.default_rng(SEED)
    values = features(records.head(400).iter_rows(named=True))
    return fit(values, draw.choice(["1", "2", "3", "4", "Good"], 400), np.arange(400) % 10, SEED)


def one_by_one(
    records: Any, condensed: Any, found: Any, rows: Any, grader: Any, count: Callable[[list[str]], list[int]]
) -> dict[str, list[int]]:
    """The plain way: each record by itself is graded, measured and compared with each row of its topic."""
    import re

    from sklearn.feature_extraction.text import TfidfVectorizer

    from acrflow.retrieval.features import features
    from acrflow.retrieval.quality import grade

    texts = dict(condensed.select("pmid", "text").iter_rows())
    topic_of = dict(found.select("pmid", "topic").iter_rows())
    by_topic: dict[str, list[dict[str, Any]]] = {}
    for row in rows.select("topic", "id", "condition", "variant", "procedure").iter_rows(named=True):
        by_topic.setdefault(row["topic"], []).append(row)
    vectors = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit(
        f"{row['condition']} {row['variant']} {row['procedure']}" for own in by_topic.values() for row in own
    )
    asked = {}  # one vector a row
    scored: dict[str, list[tuple[bool, float, float, int, int]]] = {}
    for record in records.iter_rows(named=True):
        text = texts[record["pmid"]]
        if text is None:
            continue
        rank = float(grade(grader, features([record]))["rank"][0])
        size, vector = count([f"[99] {text}"])[0], vectors.transform([f"{record['title']} {text}"])
        for row in by_topic[topic_of[record["pmid"]]]:
            if row["id"] not in asked:
                asked[row["id"]] = vectors.transform([f"{row['condition']} {row['variant']} {row['procedure']}"])
            named = re.search(rf"\b{re.escape(row['procedure'].split()[0])}\b", record["title"] + text) is not None
            likeness = float((asked[row["id"]] @ vector.T).sum())
            scored.setdefault(row["id"], []).append((named, likeness, -rank, record["pmid"], size))
    evidence: dict[str, list[int]] = {}
    for row_id, studies in scored.items():
        left = BUDGET
        for *_, pmid, size in sorted(studies, reverse=True):
            if size <= left:
                left -= size
                evidence.setdefault(row_id, []).append(pmid)
    return evidence


def clock(call: Callable[[], Any]) -> float:
    """Seconds that a call takes."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


if __name__ == "__main__":
    help_or_go(__doc__)
    main()
