"""The README and the manual: short, true to the sources, whole, and readable without a network."""

import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from acrflow import __version__
from acrflow.config.configuration import Config

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("profiles/**/*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
sys.path[:0] = [str(ROOT / "docs"), str(ROOT / "benchmarks")]

import generated  # noqa: E402
import harness  # noqa: E402


def test_the_readme_fits_two_screens() -> None:
    assert len(README.splitlines()) <= 90


def test_the_readme_names_every_reward() -> None:
    listed = README.partition(generated.MARKS[0])[2].partition(generated.MARKS[1])[0]
    assert re.findall(r"`(\w+)`", listed) == generated.reward_names(), "run `make docs`"
    assert len(generated.reward_names()) > 5


def test_the_readme_shows_the_rooms_in_the_order_of_their_imports() -> None:
    rooms = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    assert re.findall(r"^[├└]── (\w+)", README, re.MULTILINE) == rooms[::-1]


def test_the_benchmarks_page_holds_the_committed_results() -> None:
    assert harness.table() in (ROOT / "docs/benchmarks.md").read_text(), "run `python benchmarks/harness.py`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[\w-]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_examples_put_targets_before_options_that_would_swallow_them() -> None:
    """Snakemake reads what follows --configfile and --config as more files and values."""
    commands = [line for page in PAGES for line in examples(page) if re.match(r"(snakemake|acrflow submit) ", line)]
    assert len(commands) > 10
    starts = re.compile(r"snakemake (--(snakefile|unlock|report|lint)\b|\w)|acrflow submit \w")
    assert [command for command in commands if not starts.match(command)] == []


def examples(page: Path) -> list[str]:
    """The commands of a page, from its blocks and from within its sentences."""
    text = page.read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)).replace("\\\n", " ")
    return [*blocks.splitlines(), *(found.replace("\n", " ") for found in re.findall(r"(?<!`)`([^`]+)`(?!`)", text))]


def test_programs_and_files_that_the_manual_names_are_there() -> None:
    """In all pages but those that tell of the past; a block's title names a file that a reader is to write."""
    told = "".join(page.read_text() for page in PAGES if page.name not in ("CHANGELOG.md", "notebook.md"))
    told = re.sub(r'^```\w+ title=".+"$', "", told, flags=re.MULTILINE)
    named = set(re.findall(r"`?((?:scripts|config|rules|docs|profiles|envs|tests|benchmarks)/[\w./]+\.\w+)", told))
    assert "config/demo.yaml" in named
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_the_changelog_has_the_form_that_it_names() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading) for heading in headings[1:])
    assert (
        headings[1].startswith(f"[{__version__}]")
        and yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == __version__
    )


class Sources(HTMLParser):
    """What a page makes a browser ask for: addresses of scripts, styles, pictures, frames (not of links)."""

    def __init__(self, text: str):
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {"link": "href", "script": "src", "img": "src", "iframe": "src"}.get(tag)
        self.found += [value for name, value in attrs if name == named and value]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manual, built in strict mode."""
    pytest.importorskip("material", reason="mkdocs-material is not installed")
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert built.returncode == 0, built.stderr
    return target


def test_the_site_asks_for_nothing_from_the_network(site: Path) -> None:
    pages = list(site.glob("*.html"))
    assert len(pages) > 15
    asked = [source for page in pages for source in Sources(page.read_text(encoding="utf-8")).found]
    assert asked and [source for source in asked if re.match(r"(\w+:)?//", source)] == []


def test_the_site_explains_every_key_and_every_reward(site: Path) -> None:
    configuration, adapters = ((site / name).read_text() for name in ("configuration.html", "adapters.html"))
    assert [name for name in Config.model_fields if f"<code>{name}" not in configuration] == []
    assert [name for name in generated.reward_names() if f'<h3 id="{name}"' not in adapters] == []
    assert "<code>training.grpo.lora.r</code>" in configuration and "<code>1000</code>" in configuration
    assert "multiply by [the answer is right]" in adapters  # what an option means


def test_no_page_keeps_a_mark_for_a_list_that_was_not_put_there(site: Path) -> None:
    marks = re.compile(r"<!-- (rewards|configuration) -->")
    assert [page.name for page in site.glob("*.html") if marks.search(page.read_text())] == []
