"""Invented guidelines: the same seed gives the same files, and the ratings can be learned."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pypdfium2
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.tree import DecisionTreeClassifier

from acrflow.evidence.reader import Record, read_records
from acrflow.io.ledger import Ledger
from acrflow.retrieval.engines import SnapshotEngine
from acrflow.retrieval.queries import Filters, mesh_query, questions
from acrflow.retrieval.search import search
from acrflow.synthetic.language import Row, Topic, Variant, brackets, invent, records, uncited_records
from acrflow.synthetic.pubmed import efetch_xml
from acrflow.synthetic.studies import Study
from acrflow.tasks.appropriateness import DISAGREEMENT, LABELS, MBA, UA, UNA

ROOT = Path(__file__).parents[2]
TOPICS = [
    ("morvane_syndrome", "Morvane Syndrome"),
    ("telvic_pain", "Telvic Pain"),
    ("ostrel_fever", "Ostrel Fever"),
    ("quillan_mass", "Quillan Mass"),
    ("dorvic_trauma", "Dorvic Trauma"),
    ("benneth_bleeding", "Benneth Bleeding"),
    ("cardane_distress", "Cardane Distress"),
    ("yarrow_stenosis", "Yarrow Stenosis"),
    ("lumeric_swelling", "Lumeric Swelling"),
    ("hesper_colic", "Hesper Colic"),
]


@pytest.fixture(scope="module")
def topics() -> list[Topic]:
    return invent(TOPICS, seed=7)


def all_rows(topics: list[Topic]) -> list[tuple[Topic, Variant, Row]]:
    return [(topic, variant, row) for topic in topics for variant in topic.variants for row in variant.rows]


def run_program(out: Path, seed: int, hash_seed: str) -> dict[str, bytes]:
    table = out.with_suffix(".tsv")
    table.write_text("topic\ttitle\trole\n" + "".join(f"{t}\t{title}\ttrain_test\n" for t, title in TOPICS[:3]))
    program = [sys.executable, str(ROOT / "scripts/demo/invent_guidelines.py")]
    arguments = ["--topics", str(table), "--seed", str(seed), "--out", str(out)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    subprocess.run([*program, *arguments], check=True, env=environment, capture_output=True)
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others(tmp_path: Path) -> None:
    first = run_program(tmp_path / "first", seed=7, hash_seed="1")
    again = run_program(tmp_path / "again", seed=7, hash_seed="2")
    other = run_program(tmp_path / "other", seed=8, hash_seed="1")
    assert sorted(first) == [
        *sorted(
            f"documents/{topic}/{name}.pdf"
            for topic, _ in TOPICS[:3]
            for name in ("appendix", "evidence_table", "narrative")
        ),
        "efetch/invented.xml",
        "efetch/uncited.xml",
    ]
    assert first == again
    assert all(first[name] != other[name] for name in first)


def test_a_topic_table_without_titles_is_refused_with_a_remedy(tmp_path: Path) -> None:
    table = tmp_path / "topics.tsv"
    table.write_text("topic\nmorvane_syndrome\n")
    program = [sys.executable, str(ROOT / "scripts/demo/invent_guidelines.py")]
    done = subprocess.run([*program, "--topics", str(table), "--out", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 2
    assert "topics.tsv" in done.stderr and "title" in done.stderr and "Remedy" in done.stderr


def test_the_demo_is_as_large_as_promised(topics: list[Topic]) -> None:
    rows = all_rows(topics)
    assert len(topics) >= 6
    assert sum(len(topic.variants) for topic in topics) >= 24
    assert sum(row.category in LABELS for *_, row in rows) >= 180
    assert len(records(topics)) >= 110


def test_labels_are_balanced(topics: list[Topic]) -> None:
    rows = all_rows(topics)
    shares = {label: sum(row.category == label for *_, row in rows) / len(rows) for label in LABELS}
    assert all(0.25 <= share <= 0.45 for share in shares.values()), shares
    for topic in topics:  # no topic, held out, is of one label
        assert {UNA, MBA, UA} <= {row.category for _, _, row in all_rows([topic])}


def words_of(variant: Variant, row: Row) -> str:
    return f"{variant.text} | " + " ".join(f"procedure_{word}" for word in re.findall(r"\w+", row.procedure))


def test_a_held_out_topic_can_be_rated_from_the_words_but_not_from_the_procedure_alone(topics: list[Topic]) -> None:
    train, test = all_rows(topics[:8]), all_rows(topics[8:])

    def accuracy(text: Callable[[Variant, Row], str]) -> float:
        vectors = CountVectorizer(binary=True, token_pattern=r"\w+")
        known = vectors.fit_transform([text(variant, row) for _, variant, row in train])
        tree = DecisionTreeClassifier(random_state=0).fit(known, [row.category for *_, row in train])
        found = tree.predict(vectors.transform([text(variant, row) for _, variant, row in test]))
        return sum(a == row.category for a, (*_, row) in zip(found, test, strict=True)) / len(test)

    procedure_only = accuracy(lambda variant, row: row.procedure)
    assert procedure_only < 0.7
    assert accuracy(words_of) > max(0.9, procedure_only + 0.2)


def test_the_majority_label_of_a_procedure_is_right_about_half_of_the_time(topics: list[Topic]) -> None:
    labels: dict[str, Counter[str]] = {}
    for _, _, row in all_rows(topics):
        labels.setdefault(row.procedure, Counter())[row.category] += 1
    right = sum(count.most_common(1)[0][1] for count in labels.values()) / sum(map(Counter.total, labels.values()))
    assert 0.5 < right < 0.65


def test_votes_rating_and_category_agree(topics: list[Topic]) -> None:
    span = {UNA: (1, 2, 3), MBA: (4, 5, 6), UA: (7, 8, 9), DISAGREEMENT: (5,)}
    for *_, row in all_rows(topics):
        votes = [rating for rating, count in enumerate(row.votes, start=1) for _ in range(count)]
        assert len(row.votes) == 9 and len(votes) == 17
        assert row.rating == votes[8] and row.rating in span[row.category]
        assert row.median in (None, row.rating)


def test_reasoning_states_the_rating_and_cites_the_rows_references(topics: list[Topic]) -> None:
    for *_, row in all_rows(topics):
        if row.reasoning is None:
            continue
        numbers = {reference.number for reference in row.references}
        cited = {
            int(number) for group in re.findall(r"\[([\d,-]+)\]", row.reasoning) for number in re.findall(r"\d+", group)
        }
        assert cited <= numbers and (cited or "no relevant literature" in row.reasoning)
        verdict = {UA: "useful", MBA: "may be useful", DISAGREEMENT: "may be useful", UNA: "not useful"}[row.category]
        assert verdict in row.reasoning


def test_the_hard_cases_are_there(topics: list[Topic]) -> None:
    rows = all_rows(topics)
    names = [r.study.printed for topic in topics for r in topic.bibliography]
    assert any(row.category == DISAGREEMENT for *_, row in rows)
    assert any(printed is not None and printed.startswith("-") for printed in names) and None in names
    assert any(not row.references for *_, row in rows)
    assert sum(row.median is None for *_, row in rows) == 1
    assert any(row.heading is None and row.reasoning is None for *_, row in rows)
    assert any(row.narrative_procedure != row.procedure for *_, row in rows)
    assert any(row.heading == "Radiographs Chest" for *_, row in rows)  # the table says Radiography
    assert max(len(row.procedure) for *_, row in rows) > 70
    studies = {reference.study for topic in topics for reference in topic.bibliography}
    assert sum(study.pmid is not None and not study.recorded for study in studies) >= 2
    families = Counter((topic.topic, variant.number, row.heading) for topic, variant, row in rows)
    assert max(families.values()) == 3  # one heading, three rows of the table


def test_records_read_as_pubmed_sends_them(topics: list[Topic]) -> None:
    root = ElementTree.fromstring(efetch_xml(records(topics)))
    assert root.tag == "PubmedArticleSet"
    pmids = [int(article.findtext("MedlineCitation/PMID", "")) for article in root]
    assert len(set(pmids)) == len(pmids) and all(90_000_000 < pmid < 100_000_000 for pmid in pmids)
    parts = list(root.iter("AbstractText"))
    assert {part.get("NlmCategory") for part in parts} >= {None, "RESULTS", "CONCLUSIONS", "UNASSIGNED"}
    assert list(root.iter("sub")) and list(root.iter("i"))
    types = Counter(element.text for element in root.iter("PublicationType"))
    assert types["Retracted Publication"] == 2 and types["Randomized Controlled Trial"] > 3
    assert any(article.find(".//Abstract") is None for article in root)


@pytest.fixture(scope="module")
def uncited(topics: list[Topic]) -> list[Record]:
    return list(read_records(efetch_xml(uncited_records(topics, 7)).encode()))


def test_the_invented_pubmed_holds_more_than_is_cited(topics: list[Topic], uncited: list[Record]) -> None:
    cited = {reference.study.pmid for topic in topics for reference in topic.bibliography}
    pmids = [record["pmid"] for record in uncited]
    assert len(set(pmids)) == len(pmids) >= 15 * len(topics) and cited.isdisjoint(pmids)
    types = Counter(name for record in uncited for name in record["publication_types"])
    assert types.keys() >= {"Randomized Controlled Trial", "Meta-Analysis", "Case Reports", "Editorial", "Review"}
    assert sum(record["retracted"] for record in uncited) == 2 * len(topics)
    assert sum(not record["sections"] for record in uncited) == 2 * len(topics)
    assert sum("Animals" in record["mesh"] for record in uncited) == len(topics)


def test_uncited_studies_tell_findings_in_the_words_of_cited_ones(topics: list[Topic]) -> None:
    def told(study: Study) -> str:
        return re.sub(r"\d+", "#", study.abstract[-1].text) if len(study.abstract) == 4 else ""

    cited = {told(study) for study in records(topics)}
    apart = [told(study) for study in uncited_records(topics, 7) if told(study) not in cited]
    beside = re.compile("Treatment helps patients|Mice can have|does not harm the knee|is of the head")
    assert apart and all(beside.search(text) for text in apart)


def test_a_search_finds_uncited_studies_for_every_condition_and_none_that_is_retracted(
    topics: list[Topic], uncited: list[Record]
) -> None:
    own = list(read_records(efetch_xml(records(topics)).encode()))
    cited = {topic.topic: {reference.study.pmid or 0 for reference in topic.bibliography} for topic in topics}
    asked = [question for topic in topics for question in questions(topic.topic, topic.title)]
    ledger = Ledger("search_studies", "queries")
    engine = SnapshotEngine([*own, *uncited])
    _, found = search(asked, mesh_query, Filters(2013), engine, 25, cited, True, ledger)
    shown = found.filter(hidden=False)
    assert set(shown["topic"]) == set(cited) and len(shown) > 15 * len(topics)
    assert found["hidden"].sum() > 10 * len(topics)
    assert set(shown["pmid"]).isdisjoint(record["pmid"] for record in uncited if record["retracted"])


def test_the_language_is_small(topics: list[Topic]) -> None:
    texts = [title for _, title in TOPICS]
    for topic, variant, row in all_rows(topics):
        texts += [variant.text, row.procedure, row.reasoning or "", *topic.background]
    for study in [*records(topics), *uncited_records(topics, 7)]:
        texts += [study.title, *(part.text for part in study.abstract)]
    words = {word.lower() for text in texts for word in re.findall(r"[A-Za-z]+", text)}
    assert 100 < len(words) < 300


def test_every_document_says_that_it_is_invented(tmp_path: Path, topics: list[Topic]) -> None:
    from acrflow.synthetic.appendix import render_appendix
    from acrflow.synthetic.narrative import render_narrative

    for render, rotation in ((render_narrative, 0), (render_appendix, 90)):
        path = tmp_path / "document.pdf"
        render(topics[0], path)
        document = pypdfium2.PdfDocument(path)
        text = document[0].get_textpage().get_text_range()
        assert "Invented for the acrflow demo. Not medical advice." in text
        assert "ACR" not in text and "American College" not in text
        assert document[0].get_rotation() == rotation


def test_citations_are_written_as_guidelines_write_them(topics: list[Topic]) -> None:
    entries = topics[0].bibliography
    assert brackets([entries[2]]) == "[3]"
    assert brackets([entries[2], entries[3]]) == "[3,4]"
    assert brackets([entries[0], *entries[2:5]]) == "[1,3-5]"
