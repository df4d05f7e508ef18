"""The report in a real browser: it filters, it asks for nothing, it runs no completion, it fits a phone."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from programs import HANGING
from test_report import HOSTILE, MODELS, SPLITS, page  # noqa: F401 (the page is a fixture)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
READY = "html[data-ready]"  # set once the examples and all charts are there


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless browser."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (apt install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Tab:
    """An open page, with everything it said and asked for."""

    def __init__(self, browser: Any, path: Path, **options: Any):
        self.page = browser.new_page(**options)
        self.said: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append("a dialog opened"), dialog.dismiss()))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        try:
            self.page.wait_for_selector(READY, state="attached", timeout=1000 * HANGING)
        except Exception as error:
            raise AssertionError(f"the page never got ready: {self.said}") from error

    def found(self) -> int:
        """Rows that the filters leave."""
        return int(self.page.inner_text("#found").split()[0])

    def pick(self, **filters: str) -> int:
        for name, value in filters.items():
            self.page.select_option(f"#filters [name={name}]", value)
        return self.found()


@pytest.fixture
def tab(chromium: Any, page: Path) -> Iterator[Tab]:  # noqa: F811
    opened = Tab(chromium, page, viewport={"width": 1280, "height": 900})
    yield opened
    opened.page.close()


def test_the_page_is_quiet_asks_for_nothing_and_is_ready_soon(tab: Tab, page: Path) -> None:  # noqa: F811
    assert tab.said == []
    assert tab.requests == [page.as_uri()]
    assert int(tab.page.get_attribute("html", "data-ready")) < 5000  # 2 s is the aim; test machines are busy
    assert tab.page.locator(".vega svg").count() == tab.page.locator("[data-chart]").count() >= 8


def test_filters_leave_the_rows_they_name(tab: Tab) -> None:
    rows = sum(SPLITS.values())
    assert tab.found() == rows
    assert tab.pick(split="test") == SPLITS["test"]
    right = tab.pick(model="baseline", outcome="right")
    wrong = tab.pick(outcome="wrong")
    assert right + wrong == SPLITS["test"] and right > wrong > 0
    assert 0 < tab.pick(outcome="unparsed") < wrong
    tab.page.click("#filters button[type=reset]")
    tab.page.locator(f"#found:has-text('{rows} rows')").wait_for()
    assert tab.pick(modality="MRI") == len(range(1, 60, 3)) + len(range(1, 30, 3))
    assert tab.pick(label="Usually Appropriate") < tab.pick(label="")
    tab.page.fill("#filters [name=words]", "no such words")
    assert tab.found() == 0


def test_more_examples_come_when_asked_for_and_the_first_new_one_has_the_focus(tab: Tab) -> None:
    assert tab.page.locator(".example").count() == 10
    tab.page.click("#more-examples")
    assert tab.page.locator(".example").count() == 20
    focused = tab.page.evaluate("document.activeElement.id")
    assert focused == tab.page.locator(".example h3").nth(10).get_attribute("id")


def test_html_in_a_completion_is_shown_as_text_and_never_run(tab: Tab) -> None:
    tab.pick(model="medreason_embed")
    assert tab.page.locator(".completion").first.inner_text() == HOSTILE
    assert tab.page.locator(".example img, .example script").count() == 0
    assert tab.said == [] and len(tab.requests) == 1


def test_a_citation_leads_to_its_study_and_one_that_was_not_shown_is_marked(tab: Tab) -> None:
    example = tab.page.locator(".example").first
    example.locator(".gold a").first.click()
    assert example.locator(".gold details").get_attribute("open") is not None
    assert "Films of the knee" in tab.page.evaluate("document.activeElement.textContent")
    assert example.locator(".gold .not-shown").inner_text() == "2"


def test_a_chart_shows_the_figure_that_is_picked(tab: Tab) -> None:
    before = tab.page.locator("[data-chart=figures] svg").inner_html()
    tab.page.select_option("[data-chart=figures] select", "Unsafe errors")
    tab.page.wait_for_function(
        "before => document.querySelector('[data-chart=figures] svg').innerHTML !== before", arg=before
    )


def test_the_keyboard_reaches_the_filters_and_the_skip_link_comes_first(tab: Tab) -> None:
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement.className") == "skip"
    tab.page.focus("#filters [name=split]")
    tab.page.keyboard.press("ArrowDown")
    assert tab.found() == SPLITS["test"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_background(chromium: Any, page: Path, scheme: str) -> None:  # noqa: F811
    """Contrast of at least 4.5 (WCAG 2, AA) for every colour that text has."""
    tab = Tab(chromium, page, color_scheme=scheme)
    colors = tab.page.evaluate(
        """() => { const style = getComputedStyle(document.documentElement);
        return Object.fromEntries(["paper", "panel", "ink", "muted", "accent", "good", "bad"]
            .map((name) => [name, style.getPropertyValue(`--${name}`).trim()])); }"""
    )
    for text in ("ink", "muted", "accent", "good", "bad"):
        for ground in ("paper", "panel"):
            assert contrast(colors[text], colors[ground]) >= 4.5, (text, ground)
    tab.page.close()


def contrast(one: str, other: str) -> float:
    lights = sorted((luminance(one), luminance(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(color: str) -> float:
    digits = color.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_nothing_sticks_out_of_a_phone(chromium: Any, page: Path) -> None:  # noqa: F811
    tab = Tab(chromium, page, viewport={"width": 360, "height": 740})
    assert tab.page.evaluate("document.documentElement.scrollWidth") == 360
    assert len(MODELS) and tab.said == []
    tab.page.close()
