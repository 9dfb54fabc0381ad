"""The pages of `view` in a real browser: marks, clicks, keys, hostile words, no network."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fhirconv.cli import main
from fhirconv.facts import evidence_of
from fhirconv.view.shown import SIGN, shown
from tests.browsers import Browser

PROJECT = Path(__file__).resolve().parents[1]
SAMPLES = {
    path.stem: path
    for path in sorted((PROJECT / "samples").glob("*/*"))
    if path.suffix in {".txt", ".html", ".xml"}
}
FOUNDING = ("000", "004")
TAB, ENTER = "\ue004", "\ue007"


def made(*arguments: object) -> str:
    """Return what a command prints; it must end well."""
    done = CliRunner().invoke(main, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page of every sample, and their index."""
    folder = tmp_path_factory.mktemp("pages")
    made("view", *SAMPLES.values(), "-o", f"{folder}/")
    return folder


@pytest.fixture(params=[*SAMPLES, *FOUNDING], scope="module")
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every sample, and where they are shared the founding reports."""
    if request.param in SAMPLES:
        return SAMPLES[request.param]
    shared: Path = request.getfixturevalue("shared")
    return next((shared / "seeds").glob(f"{request.param}_*.txt"))


@pytest.fixture(scope="module")
def page(report: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a report."""
    path = tmp_path_factory.mktemp("page") / "one.html"
    made("view", report, "-o", path)
    return path


@pytest.fixture(scope="module")
def document(report: Path) -> dict[str, Any]:
    """The facts of a report."""
    found: dict[str, Any] = json.loads(made("extract", report))
    return found


def bare(text: str) -> str:
    """Return a text without white space, which paragraphs lose at their ends."""
    return re.sub(r"\s", "", shown(text))


def marks(browser: Browser) -> list[dict[str, Any]]:
    """Return every mark of the report: its place, its words, its cards, its classes."""
    script = (
        "return [...document.querySelectorAll('.text mark')].map(m => ({quote: m.dataset.quote,"
        "words: m.textContent, facts: m.dataset.facts.split(' '), looks: m.className}))"
    )
    found: list[dict[str, Any]] = browser.run(script)
    return found


def test_what_is_marked_is_the_evidence_and_nothing_else(browser, page, document):
    browser.open(page)
    words: dict[str, str] = {}
    for mark in marks(browser):
        words[mark["quote"]] = words.get(mark["quote"], "") + bare(mark["words"])
    parts = ("facts", "patients", "statements", "citation")
    quotes = [q for part in parts for _, q in evidence_of(document[part]) if "start" in q]
    wanted = {f"q{q['start']}-{q['end']}": bare(q["text"]) for q in quotes}
    assert words == wanted


def test_every_fact_has_its_marks_in_its_kind_and_with_its_signs(browser, page, document):
    browser.open(page)
    facts: dict[str, set[str]] = {}
    looks: dict[str, str] = {}
    for mark in marks(browser):
        looks.setdefault(mark["facts"][0], mark["looks"])
        for fact in mark["facts"]:
            facts.setdefault(fact, set()).add(mark["quote"])
    for fact in document["facts"]:
        anchor = f"f-{fact['id']}"
        assert facts[anchor] == {f"q{e['start']}-{e['end']}" for e in fact["evidence"]}
        if anchor in looks:
            assert f"k-{fact['kind']}" in looks[anchor]
            negated = fact["assertion"]["polarity"] == "absent"
            assert ("s-polarity-absent" in looks[anchor]) == negated


def test_the_text_beside_the_case_is_that_of_the_report(browser, page, report):
    from fhirconv.convert import read

    browser.open(page)
    assert bare(browser.find(".text").get_property("textContent")) == bare(read(report).text)


def test_every_fact_and_resource_has_a_card_and_every_link_an_end(browser, page, document):
    browser.open(page)
    cards = set(browser.run("return [...document.querySelectorAll('.card')].map(c => c.id)"))
    assert {f"f-{fact['id']}" for fact in document["facts"]} <= cards
    loose = browser.run(
        "return [...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href'))"
        ".filter(h => !document.getElementById(decodeURIComponent(h.slice(1))))"
    )
    twice = browser.run(
        "const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
        "return ids.filter((id, n) => ids.indexOf(id) !== n)"
    )
    assert (loose, twice) == ([], [])


@pytest.mark.parametrize("scripts", [True, False], ids=["with script", "without script"])
def test_a_click_on_either_side_leads_to_the_other(browser, pages, scripts):
    browser.open(pages / "car-t-cells.case.html", scripts=scripts)
    words = next(
        m
        for m in browser.driver.find_elements("css selector", ".text mark a")
        if m.text == "axicabtagene ciloleucel"
    )
    card = words.get_attribute("href").partition("#")[2]
    words.click()
    assert browser.driver.current_url.endswith(f"#{card}")
    place = browser.driver.find_element("id", card)
    assert place.rect["y"] >= 0
    assert place.is_displayed()
    quote = place.find_element("css selector", ".quote")
    name = quote.get_attribute("href").partition("#")[2]
    quote.click()
    assert browser.driver.current_url.endswith(f"#{name}")
    assert browser.driver.find_element("id", name).text in quote.text


def test_an_element_leads_to_its_row_whose_words_are_shown(browser, pages):
    browser.open(pages / "car-t-cells.case.html")
    summary = browser.find(".card.k-condition details.elements summary")
    summary.click()
    row = next(
        link
        for link in browser.driver.find_elements("css selector", ".card.k-condition td a")
        if link.text.startswith("codes/conditions.csv:")
    )
    origin = row.text
    row.click()
    assert browser.find(".rows div:target dt code").text == origin
    assert "match exact" in browser.find(".rows div:target dd").text
    assert browser.is_seen(".rows div:target")


def test_the_json_of_a_resource_is_one_click_away_and_is_that_of_the_bundle(browser, pages):
    browser.open(pages / "lak-cells.case.html")
    card = browser.find(".card.k-adverse_event")
    card.find_element("css selector", "details.json summary").click()
    shown_json = json.loads(card.find_element("css selector", "pre").text)
    bundle = json.loads(made("convert", SAMPLES["lak-cells"]))
    assert shown_json in [entry["resource"] for entry in bundle["entry"]]


def test_words_of_several_facts_lead_to_each_in_turn(browser, pages):
    browser.open(pages / "lak-cells.case.html")
    several = next(mark for mark in marks(browser) if len(mark["facts"]) > 1)
    link = f"mark[data-quote='{several['quote']}'] > a"
    met = []
    for _ in several["facts"]:
        browser.find(link).click()
        met.append(browser.hash)
    assert met == several["facts"]
    assert len(browser.driver.find_elements("css selector", ".card:target .facts a")) > 0


def test_keys_alone_lead_from_the_words_to_the_card_and_back(browser, pages):
    browser.open(pages / "drug-rash.case.html")
    browser.press(TAB)
    assert browser.focus.text == "Skip to the report"
    browser.press(ENTER)
    assert browser.hash == "report"
    browser.press(TAB)
    assert browser.run("return document.activeElement.closest('mark') !== null")
    browser.press(TAB, TAB, TAB)
    wanted = browser.focus.get_attribute("href").partition("#")[2]
    described = browser.focus.get_attribute("aria-describedby").split()
    named = browser.run(
        "return arguments[0].map(i => document.getElementById(i).textContent)", described
    )
    assert all(named)
    browser.press(ENTER)
    assert (browser.hash, browser.focus.get_attribute("id")) == (wanted, wanted)
    browser.press(TAB)
    assert "quote" in browser.focus.get_attribute("class")
    browser.press(ENTER)
    assert browser.run("return document.querySelector(':target').tagName") == "MARK"
    browser.press(TAB)
    assert browser.run("return document.activeElement.closest('mark') !== null")


def test_the_focus_is_seen_on_every_stop(browser, pages):
    browser.open(pages / "lak-cells.case.html")
    unseen = []
    for _ in range(40):
        browser.press(TAB)
        unseen += browser.run(
            "const e = document.activeElement, s = getComputedStyle(e);"
            "const inner = e.querySelector('.place');"
            "const seen = parseFloat(s.outlineWidth) > 0 && s.outlineStyle !== 'none'"
            " || inner && getComputedStyle(inner).stroke !== 'none';"
            "return seen ? [] : [e.outerHTML.slice(0, 80)]"
        )
    assert unseen == []


def test_the_course_is_drawn_in_order_and_leads_to_the_cards(browser, pages):
    browser.open(pages / "car-t-cells.case.html")
    steps = [s.text.splitlines() for s in browser.driver.find_elements("css selector", ".step")]
    labels = [
        next(word for word in step if word in ("fludarabine", "fever", "complete remission"))
        for step in steps
        if set(step) & {"fludarabine", "fever", "complete remission"}
    ]
    assert labels == ["fludarabine", "fever", "complete remission"]
    assert [word for word in ("day +2", "2024-03") if any(word in step for step in steps)] == [
        "day +2",
        "2024-03",
    ]
    browser.run(
        "document.querySelector('.step').dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    assert browser.hash.startswith("f-")


OPEN = "for (const d of [...document.querySelectorAll('details')].slice(0, 6)) d.open = true"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["drug-rash.case.html", "index.html"])
def test_axe_finds_nothing_wrong(browser, axe, pages, name, dark):
    browser.open(pages / name, dark=dark)
    browser.run(OPEN)
    assert browser.violations() == []


def test_axe_finds_nothing_wrong_with_any_report(browser, axe, page):
    browser.open(page)
    assert browser.violations() == []


@pytest.mark.parametrize("number", FOUNDING)
def test_axe_finds_nothing_wrong_with_a_founding_report_in_the_dark(
    browser, axe, shared, tmp_path, number
):
    report = next((shared / "seeds").glob(f"{number}_*.txt"))
    made("view", report, "-o", tmp_path / "one.html")
    browser.open(tmp_path / "one.html", dark=True)
    assert browser.violations() == []


def test_a_page_asks_for_nothing_and_breaks_no_policy(browser, page):
    browser.open(page)
    assert {url.partition("#")[0] for url in browser.requests()} == {page.resolve().as_uri()}
    assert browser.complaints() == []


def test_the_index_leads_to_every_case_and_back(browser, pages):
    browser.open(pages / "index.html")
    links = browser.run(
        "return [...document.querySelectorAll('#case-rows a')].map(a => a.getAttribute('href'))"
    )
    assert sorted(links) == sorted(f"{stem}.case.html" for stem in SAMPLES)
    browser.find("#case-rows a").click()
    browser.find(".back a").click()
    assert browser.driver.current_url.endswith("index.html")


def test_the_index_can_be_filtered(browser, pages):
    browser.open(pages / "index.html")
    browser.find("#filter").send_keys("lymphoma")
    rows = browser.run(
        "return [...document.querySelectorAll('#case-rows tr')].filter(r => !r.hidden).length"
    )
    assert (rows, browser.find("#filtered").text) == (1, f"1 of {len(SAMPLES)}")


def test_the_matrix_counts_suspicions_and_leads_to_the_adverse_event(browser, pages):
    browser.open(pages / "index.html")
    link = browser.find(".matrix td a")
    assert re.match(r"\d+t?", link.get_property("textContent"))
    link.click()
    assert "k-adverse_event" in browser.find(":target").get_attribute("class")


def test_many_cases_in_one_file_show_the_one_that_is_asked_for(browser, tmp_path):
    path = tmp_path / "all.html"
    made("view", *SAMPLES.values(), "-o", path)
    browser.open(path)
    assert browser.find("#index").is_displayed()
    cases = browser.driver.find_elements("css selector", "article.case")
    assert [case.is_displayed() for case in cases] == [False] * len(SAMPLES)
    browser.find("#case-rows a").click()
    assert [case.is_displayed() for case in cases] == [True] + [False] * (len(SAMPLES) - 1)
    assert not browser.find("#index").is_displayed()
    browser.find("article.case:target .text mark a").click()
    assert browser.find(":target").is_displayed()


ATTACKS = (
    "<script>window.struck.push('script')</script>",
    "<img src=x onerror=\"window.struck.push('image')\">",
    "<svg onload=\"window.struck.push('svg')\">",
    '"><a href="javascript:window.struck.push(\'link\')" onclick="window.struck.push(\'click\')">',
    "</style></title></textarea><iframe srcdoc='<script>parent.struck.push(1)</script>'></iframe>",
    "{{ 7 * 7 }}{% include 'case.html' %}",
    "<base href='http://127.0.0.1:9/'><link rel=stylesheet href='http://127.0.0.1:9/x.css'>",
    "\u202eevil\u202c \u2066left\u2069 \u200f",
    "' onmouseover='window.struck.push(2)' x='",
)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Facts and their report, whose every word is meant to do harm."""
    title = f"A case of fever {''.join(ATTACKS)}{'T' * 10_000}"
    said = " and ".join(f"fever {attack} after carbamazepine" for attack in ATTACKS)
    text = f"{title}\n\nCase report\n\nA 34-year-old woman had {said}.\n"
    (tmp_path / "hostile.txt").write_text(text, encoding="utf-8")
    document = json.loads(made("extract", tmp_path / "hostile.txt"))
    nasty = f"{ATTACKS[0]}{ATTACKS[1]}\x00\ud800{ATTACKS[3]}"
    document["citation"]["title"] = nasty + title
    for fact in document["facts"]:
        fact["label"] = nasty
        fact["qualifiers"] = [nasty]
    (tmp_path / "hostile.facts.json").write_text(json.dumps(document), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", ["hostile.txt", "hostile.facts.json"])
def test_a_hostile_report_is_shown_and_does_nothing_else(browser, hostile, name):
    made("view", hostile / name, "-o", hostile / "x.html")
    browser.open(hostile / "x.html")
    browser.run(
        "for (const e of document.querySelectorAll('mark a, .card')) {"
        "for (const kind of ['mouseover', 'focusin', 'click']) "
        "e.dispatchEvent(new MouseEvent(kind, {bubbles: true, cancelable: true})); }"
    )
    assert browser.complaints() == []
    assert {url.partition("#")[0] for url in browser.requests()} == {
        (hostile / "x.html").resolve().as_uri()
    }
    text = browser.run("return document.body.textContent")
    assert ATTACKS[0] in text
    assert "{{ 7 * 7 }}" in text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00]", text)
    assert SIGN in text
    tags = browser.run(
        "return document.querySelectorAll('img, iframe, link, base, object, embed, form').length"
    )
    handlers = browser.run(
        "return [...document.querySelectorAll('*')].filter(e => [...e.attributes].some("
        "a => /^on|^style$/.test(a.name) || /^javascript:/i.test(a.value))).length"
    )
    assert (tags, handlers) == (0, 0)
    wide = browser.run("return document.documentElement.scrollWidth <= innerWidth")
    assert wide
    assert browser.find(".panes").is_displayed()


@pytest.mark.parametrize("stem", ["car-t-cells", "drug-rash"])
def test_a_printed_page_has_the_report_and_all_cards(browser, pages, stem):
    browser.open(pages / f"{stem}.case.html")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    heights = browser.run(
        "return ['.pane.report', '.pane.told'].map(s => { const p = document.querySelector(s);"
        "return [p.scrollHeight, p.clientHeight] })"
    )
    assert all(whole <= seen + 2 for whole, seen in heights)
    assert not browser.find("nav").is_displayed()
    assert browser.find(".card").is_displayed()
