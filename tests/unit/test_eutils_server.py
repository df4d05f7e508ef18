"""The local E-utilities server speaks NCBI's protocol: to Biopython, and as NCBI's own recorded answers do."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from xml.etree import ElementTree

import pytest
from Bio import Entrez
from eutils_programs import article, articles, real_or_invented
from eutils_server import GOOD_KEY, EutilsServer

PMIDS = [90_000_001, 90_000_002, 90_000_003]


@pytest.fixture
def server() -> Iterator[EutilsServer]:
    with EutilsServer(articles(PMIDS)) as running:
        yield running


@pytest.fixture
def biopython(server: EutilsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Biopython's own client, sent to the local server."""

    def redirected(request: urllib.request.Request) -> HTTPResponse:
        request.full_url = request.full_url.replace("https://eutils.ncbi.nlm.nih.gov/entrez/eutils", server.url)
        return urllib.request.urlopen(request)

    monkeypatch.setattr(Entrez, "urlopen", redirected)
    monkeypatch.setattr(Entrez, "email", "someone@example.org")
    monkeypatch.setattr(Entrez, "sleep_between_tries", 0)


def ask(server: EutilsServer, program: str, post: bool = False, **form: str) -> tuple[int, str]:
    query = urllib.parse.urlencode(form)
    url = f"{server.url}/{program}" if post else f"{server.url}/{program}?{query}"
    try:
        with urllib.request.urlopen(url, query.encode() if post else None) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def tags(element: ElementTree.Element) -> set[str]:
    return {f"{element.tag}/{child.tag}" for child in element} | {tag for child in element for tag in tags(child)}


@pytest.mark.usefixtures("biopython")
def test_biopython_reads_every_answer() -> None:
    ids = ",".join(map(str, PMIDS))
    posted = Entrez.read(Entrez.epost("pubmed", id=ids))
    history = {"webenv": posted["WebEnv"], "query_key": posted["QueryKey"]}
    by_id = Entrez.efetch(db="pubmed", id=ids, retmode="xml").read()
    assert Entrez.efetch(db="pubmed", retmode="xml", WebEnv=history["webenv"], query_key="1").read() == by_id
    part = Entrez.efetch(
        db="pubmed", retmode="xml", WebEnv=history["webenv"], query_key="1", retstart=1, retmax=1
    ).read()
    assert str(PMIDS[1]).encode() in part and str(PMIDS[0]).encode() not in part

    found = Entrez.read(Entrez.esearch("pubmed", "invented[ti] AND 2019:2021[dp]", usehistory="y", retmax=2))
    assert (found["Count"], found["IdList"]) == ("3", [str(pmid) for pmid in PMIDS[:2]])
    assert len(Entrez.read(Entrez.esummary(db="pubmed", WebEnv=found["WebEnv"], query_key=found["QueryKey"]))) == 3
    [summary] = Entrez.read(Entrez.esummary(db="pubmed", id=str(PMIDS[0])))
    assert summary["Title"] == f"Invented study {PMIDS[0]}."

    cited = {"journal_title": "J Invent Imaging", "year": "2020", "volume": "1", "key": "a"}
    assert Entrez.ecitmatch(db="pubmed", bdata=[cited]).read().strip().endswith("|a|AMBIGUOUS " + ids)


def test_answers_have_the_shape_of_recorded_ones(server: EutilsServer, shared_data: Path) -> None:
    recorded = shared_data / "pubmed" / "eutils"
    for program, form, file in (
        ("esearch.fcgi", {"term": "invented"}, "esearch1.xml"),
        ("esearch.fcgi", {"term": "nowhere"}, "esearch8.xml"),
        ("epost.fcgi", {"id": "90000001"}, "epost1.xml"),
        ("epost.fcgi", {"db": "nothing", "id": "1"}, "epost2.xml"),
        ("epost.fcgi", {"id": "-1"}, "epost3.xml"),
        ("esummary.fcgi", {"id": "90000001"}, "esummary1.xml"),
    ):
        ours = ElementTree.fromstring(ask(server, program, **form)[1])
        theirs = ElementTree.parse(recorded / file).getroot()
        assert ours.tag == theirs.tag
        assert tags(ours) <= tags(theirs), file
        names = [{item.get("Name") for item in root.iter("Item")} for root in (ours, theirs)]
        assert names[0] <= names[1]


def test_errors_are_told_as_ncbi_tells_them(server: EutilsServer) -> None:
    assert "UID=7: cannot get document summary" in ask(server, "esummary.fcgi", id="7")[1]
    assert json.loads(ask(server, "esummary.fcgi", id="7", retmode="json")[1])["result"]["7"]["error"]
    assert "Empty term" in ask(server, "esearch.fcgi", term="")[1]
    assert json.loads(ask(server, "esearch.fcgi", term="", retmode="json")[1])["esearchresult"]["ERROR"]
    assert "<PubmedArticle>" not in ask(server, "efetch.fcgi", id="7")[1]  # absent, in silence
    status, body = ask(server, "efetch.fcgi", post=True, id="7", api_key="k1")
    assert (status, json.loads(body)["api-key"]) == (400, "k1")  # the key comes back
    assert ask(server, "efetch.fcgi", id=",".join(["90000001"] * 1000))[0] == 414
    assert ask(server, "efetch.fcgi", post=True, id=",".join(["90000001"] * 1000))[0] == 200
    assert ask(server, "nothing.fcgi")[0] == 404


def test_citations_are_matched_as_ncbi_does(server: EutilsServer) -> None:
    server.pubmed.records[90_000_009] = article(90_000_009, place=(1991, 88, "3248-50"), author="Mirel AB")
    lines = [
        "j invent imaging|1991|88|3248|mirel ab|one|",
        "no such journal|1991|88|3248|mirel ab|two|",
        "J Invent Imaging|1991|88|9|mirel ab|three|",
    ]
    answer = ask(server, "ecitmatch.cgi", bdata="\r".join(lines))[1].splitlines()
    assert answer == [
        "j invent imaging|1991|88|3248|mirel ab|one|90000009",
        "no such journal|1991|88|3248|two|NOT_FOUND;INVALID_JOURNAL",
        "J Invent Imaging|1991|88|9|mirel ab|three|NOT_FOUND",
    ]


def test_the_rate_limit_goes_by_key() -> None:
    with EutilsServer(articles(PMIDS), limited=True) as server:
        without = [ask(server, "efetch.fcgi", id="90000001") for _ in range(4)]
        with_key = [ask(server, "efetch.fcgi", id="90000001", api_key=GOOD_KEY) for _ in range(10)]
    assert [status for status, _ in without] == [200, 200, 200, 429]
    assert json.loads(without[-1][1])["error"] == "API rate limit exceeded"  # JSON, though XML was asked for
    assert {status for status, _ in with_key} == {200}


@pytest.mark.usefixtures("shared_data")
def test_real_records_are_served_as_they_are() -> None:
    records, kind = real_or_invented()
    assert (kind, len(records) >= 36) == ("real", True)
    with EutilsServer(records) as server:
        _, body = ask(server, "efetch.fcgi", post=True, id=",".join(map(str, records)))
        summaries = ElementTree.fromstring(ask(server, "esummary.fcgi", post=True, id=",".join(map(str, records)))[1])
    assert len(ElementTree.fromstring(body)) == len(summaries.findall("DocSum")) == len(records)
