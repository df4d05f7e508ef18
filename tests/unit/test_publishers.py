"""A second publisher is one file: from its documents to the table of rows, with the check before any work."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from acrflow import schemas
from acrflow.config import configuration
from acrflow.guideline import publishers
from acrflow.guideline.model import RowReference
from acrflow.guideline.qa import bring_together
from acrflow.guideline.witnesses import RatedRow, RatedVariant, Ratings, Witnesses
from acrflow.io.errors import InputError
from acrflow.io.files import read_json
from acrflow.schemas.guideline import Guidelines, Studies

ROOT = Path(__file__).resolve().parents[2]
RATINGS = """\
topic,scenario,text,procedure,advice,because,sources
Rust of the Knee,1,Rust after rain.,US knee,do,Sound finds rust [1].,1 2
Rust of the Knee,1,Rust after rain.,CT knee,avoid,Rays find no rust [2].,2
Rust of the Knee,2,Rust after snow.,US knee,consider,Sound may help.,
"""
STUDIES = """\
number,citation,pmid,trust
1,Nobody A. Sound and rust. J Rust. 2030;1:1-2.,90000001,high
2,Noone B. Rays and rust. J Rust. 2031;2:3-4.,-31,very low
"""
BEFORE_WORK = """
import sys
from pathlib import Path
from acrflow.config.configuration import load
from acrflow.guideline.check import check_documents
from acrflow.guideline.topics import topics_of
from acrflow.io.errors import run

def main():
    config = load({"documents": sys.argv[1], "publisher": "bulletin"}, "test")
    topics = [topic.name for topic in topics_of(config)]
    print(topics, *check_documents(Path(config.documents), topics, config.publisher).values())
    assert "pypdfium2" not in sys.modules

run(main)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the programs and the library, with the bulletin beside the ACR."""
    scripts = tmp_path_factory.mktemp("bulletin") / "scripts"
    shutil.copytree(ROOT / "scripts", scripts, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "tests/bulletin.py", scripts / "acrflow/guideline/publishers")
    return scripts


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents" / "rust"
    folder.mkdir(parents=True)
    (folder / "ratings.csv").write_text(RATINGS)
    (folder / "studies.csv").write_text(STUDIES)
    return folder.parent


def python(library: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(library)}
    return subprocess.run(command, env=environment, cwd=library, capture_output=True, text=True, timeout=300)


def parse(library: Path, folder: Path, out: Path) -> "subprocess.CompletedProcess[str]":
    program = library / "guidelines/parse_guideline.py"
    return python(library, program, "--documents", folder, "--publisher", "bulletin", "--out", out)


def test_documents_of_a_second_publisher_become_rows_and_studies(
    library: Path, documents: Path, tmp_path: Path
) -> None:
    checked = python(library, "-c", BEFORE_WORK, documents)
    assert (checked.returncode, checked.stdout.strip()) == (0, "['rust']"), checked.stderr
    done = parse(library, documents / "rust", tmp_path / "rust.json")
    assert "rust: 2 variants, 3 rows, 3 with reasoning" in done.stdout, done.stderr
    arguments = {"guidelines": "rust.json", "qa": "rust.qa.json", "out": "guidelines.parquet"}
    arguments |= {"studies": "studies.parquet", "ledger": "ledger.json"}
    options = [word for name, file in arguments.items() for word in (f"--{name}", tmp_path / file)]
    collected = python(library, library / "guidelines/collect_guidelines.py", *options)
    assert collected.returncode == 0, collected.stderr

    rows = schemas.read(Guidelines, tmp_path / "guidelines.parquet")
    assert set(rows["condition"]) == {"Rust of the Knee"} and set(rows["join"]) == {"exact"}
    assert rows.select("variant", "procedure", "appropriateness", "references", "reasoning").rows() == [
        ("Rust after rain.", "US knee", "Usually Appropriate", [1, 2], "Sound finds rust [1]."),
        ("Rust after rain.", "CT knee", "Usually Not Appropriate", [2], "Rays find no rust [2]."),
        ("Rust after snow.", "US knee", "May Be Appropriate", [], "Sound may help."),
    ]
    studies = schemas.read(Studies, tmp_path / "studies.parquet")
    assert studies.select("number", "study_quality").rows() == [(1, "1"), (2, "4")]
    flagged = read_json(tmp_path / "rust.qa.json")["flagged_references"]
    assert flagged == [{"number": 2, "printed": "-31", "status": "not_a_pmid"}]


def test_its_documents_are_checked_before_any_work(library: Path, documents: Path) -> None:
    (documents / "rust/studies.csv").unlink()  # it may be missing
    assert python(library, "-c", BEFORE_WORK, documents).returncode == 0
    (documents / "rust/ratings.csv").write_text("<html>Error 500</html>")
    done = python(library, "-c", BEFORE_WORK, documents)
    assert f"ERROR {documents}/rust/ratings.csv, line 1: not the header of the bulletin's ratings" in done.stderr
    (documents / "rust/ratings.csv").rename(documents / "rust/studies.csv")
    done = python(library, "-c", BEFORE_WORK, documents)
    assert f"ERROR {documents}/rust/ratings.csv: the document is missing" in done.stderr
    (documents / "rust/studies.csv").rename(documents / "rust/narrative.pdf")  # of another publisher
    done = python(library, "-c", BEFORE_WORK, documents)
    assert "the folder holds no topic" in done.stderr and "each with ratings.csv" in done.stderr


def test_a_row_that_cannot_be_read_is_named_with_its_line(library: Path, documents: Path, tmp_path: Path) -> None:
    (documents / "rust/ratings.csv").write_text(RATINGS.replace("avoid", "perhaps"))
    done = parse(library, documents / "rust", tmp_path / "rust.json")
    assert f"ERROR {documents}/rust/ratings.csv, line 3: no advice is called 'perhaps'" in done.stderr
    assert not (tmp_path / "rust.json").exists()


def test_nothing_is_downloaded_from_a_publisher_without_addresses(library: Path) -> None:
    done = python(library, "-c", BEFORE_WORK, "download")
    assert "ERROR documents: download: nothing can be downloaded from the publisher 'bulletin'" in done.stderr


def test_an_unknown_publisher_is_named_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match="unknown publisher bulletin; known are acr"):
        configuration.load({"publisher": "bulletin"}, "test")
    with pytest.raises(InputError, match="unknown publisher 'bulletin'"):
        publishers.load("bulletin")


def test_invented_documents_are_the_acrs(library: Path) -> None:
    done = python(library, "-c", BEFORE_WORK, "invented")
    assert "publisher: invented documents are laid out as the ACR's" in done.stderr


def test_a_grade_that_a_publisher_does_not_translate_is_refused(tmp_path: Path) -> None:
    reference = RowReference(number=1, printed=None, pmid=None, study_quality="moderate")
    row = RatedRow("line 2", "US knee", "Usually Appropriate", references=[reference])
    ratings = Ratings(tmp_path, "line 1", "Rust of the Knee", [RatedVariant("line 2", 1, "Rust after rain.", [row])])
    with pytest.raises(ValueError, match="study quality \\['moderate'\\] is not on the scale"):
        bring_together("rust", Witnesses(ratings))


def test_ratings_alone_are_a_guideline_without_reasoning(tmp_path: Path) -> None:
    row = RatedRow("line 2", "US knee", "Usually Appropriate")
    ratings = Ratings(tmp_path, "line 1", "Rust of the Knee", [RatedVariant("line 2", 1, "Rust after rain.", [row])])
    guideline, report = bring_together("rust", Witnesses(ratings))
    assert (guideline.title, guideline.variants[0].rows[0].join) == ("Rust of the Knee", "none")
    assert report["rows_without_reasoning"] == ["variant 1: US knee"]
