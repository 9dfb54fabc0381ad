"""The pages of `view` without a browser: marks, courses, rows, what the command writes."""

import base64
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from fhirconv.cli import main
from fhirconv.errors import TableError
from fhirconv.tables import Tables, built_in
from fhirconv.view.course import course_of
from fhirconv.view.drawing import drawing_of
from fhirconv.view.legend import legend_of
from fhirconv.view.marks import Block, Span, marked, paragraphs, patches
from fhirconv.view.rows import Rows
from fhirconv.view.shown import SIGN, short, shown
from fhirconv.view.values import words_of

PROJECT = Path(__file__).resolve().parents[1]
SAMPLES = sorted(
    p for p in (PROJECT / "samples").glob("*/*") if p.suffix in {".txt", ".html", ".xml"}
)
TEXT = PROJECT / "samples" / "drug-rash" / "drug-rash.txt"
FACTS = TEXT.with_suffix(".facts.json")


def run(*arguments: object, **more: Any) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments], **more)


def made(*arguments: object) -> None:
    done = run(*arguments)
    assert done.exit_code == 0, done.output


# marks


def spans_of(text: str, pairs: list[tuple[int, int]]) -> list[Span]:
    places = dict.fromkeys((a, b) for a, b in pairs if a < b <= len(text))
    return [Span(a, b, (f"f-{a}-{b}",), ("k-condition",)) for a, b in places]


@given(
    st.text(alphabet='ab <&"\n\u202e', max_size=60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12),
)
def test_marks_hold_exactly_their_words_however_they_cross(text, pairs):
    spans = spans_of(text, pairs)
    blocks = list(paragraphs(text))
    parts = [marks for _, marks in marked(blocks, spans)]
    page = html.fromstring("<div>" + "\n".join(f"<p>{part}</p>" for part in parts) + "</div>")
    for block, paragraph in zip(blocks, page.iter("p"), strict=True):
        assert paragraph.text_content() == shown(block.text)
    for span in spans:
        pieces = page.xpath(f"//mark[@data-quote='{span.name}']")
        words = "".join(piece.text_content() for piece in pieces)
        wanted = "".join(
            shown(b.text[max(span.start - b.start, 0) : max(span.end - b.start, 0)]) for b in blocks
        )
        assert words == wanted
        assert len([p for p in pieces if p.get("id")]) == bool(pieces)
    assert page.xpath("//a//a") == []


CROSSING = [
    ("abcdef", [(0, 6), (1, 3)], "<a><b>", "one in the other"),
    ("abcdef", [(0, 4), (2, 6)], "<a><b></a><b>", "the later is cut in two"),
    ("abcdef", [(0, 2), (2, 4)], "<a><b>", "side by side"),
]


@pytest.mark.parametrize(("text", "pairs", "_shape", "what"), CROSSING)
def test_words_that_cross_are_cut_and_words_within_others_are_not(text, pairs, _shape, what):
    [(_, marks)] = marked([Block(0, text)], spans_of(text, pairs))
    pieces = [str(marks).count(f'data-quote="q{a}-{b}"') for a, b in pairs]
    assert pieces == ([1, 2] if "cut" in what else [1, 1]), what


def test_by_keyboard_every_span_is_met_once():
    spans = spans_of("one two three", [(0, 13), (4, 7)])
    [(_, marks)] = marked([Block(0, "one two three")], spans)
    assert str(marks).count("<a ") == 3
    assert str(marks).count('tabindex="-1"') == 1


def test_many_marks_within_each_other_stay_few():
    spans = spans_of("x" * 4000, [(n, 4000 - n) for n in range(1900)])
    [(_, marks)] = marked([Block(0, "x" * 4000)], spans)
    assert str(marks).count("<mark") < 100


QUOTES = [
    ([(0, "one two"), (4, "two three")], [(0, "one two three")]),
    ([(0, "one two three"), (4, "two")], [(0, "one two three")]),
    ([(10, "later"), (0, "first")], [(0, "first"), (10, "later")]),
]


@pytest.mark.parametrize(("quotes", "wanted"), QUOTES)
def test_quotes_tell_what_they_can_of_a_text_that_is_not_at_hand(quotes, wanted):
    assert [(block.start, block.text) for block in patches(quotes)] == wanted


STRANGE = ["\x00", "\x1b", "\x85", "\u202e", "\u2067", "\ud800", "\ufdd0", "\uffff"]


@pytest.mark.parametrize("sign", STRANGE)
def test_what_hides_or_reorders_is_shown_as_one_sign(sign):
    assert shown(f"a{sign}b\n\tc") == f"a{SIGN}b\n\tc"


def test_a_long_label_is_cut_on_one_line():
    assert short("one\n two", 80) == "one two"
    assert short("x" * 100, 10) == "x" * 9 + "…"


VALUES = [
    ({"value": 3, "unit": "mg"}, "3 mg"),
    ({"comparator": ">=", "value": 3, "unit": "d"}, ">= 3 d"),
    ({"value": 3, "high": 5, "unit": "days"}, "3 to 5 days"),
    ({"text": "said", "coding": [{"code": "x"}]}, "said"),
    ({"coding": [{"code": "x", "display": "X"}]}, "X"),
    ({"low": {"value": 1, "unit": "a"}, "high": {"value": 2, "unit": "a"}}, "1 a to 2 a"),
    ({"start": "2024-01", "end": "2024-02"}, "2024-01 to 2024-02"),
    ([True, 7], "yes, 7"),
]


@pytest.mark.parametrize(("value", "words"), VALUES)
def test_values_are_told_in_words(value, words):
    assert words_of(value) == words


# the course


def fact(name: str, place: int, time: dict[str, Any] | None = None, **said: str) -> dict[str, Any]:
    plain = {"polarity": "present", "certainty": "certain", "temporality": "current"}
    found = {"id": name, "kind": "finding", "label": name.upper(), "patient": "p1"}
    found |= {"assertion": plain | {"scope": "patient"} | said}
    found |= {"evidence": [{"start": place, "end": place + 1, "text": "x"}]}
    return found | ({"time": time} if time else {})


def after(
    anchor: str, value: int = 0, unit: str = "d", relation: str = "after", **more: Any
) -> Any:
    offset = {"offset": {"value": value, "unit": "days", "code": unit} | more} if value else {}
    return {"kind": "relative", "anchors": [{"fact": anchor, "relation": relation} | offset]}


def on(start: str) -> dict[str, str]:
    return {"kind": "absolute", "start": start}


COURSES = [
    ([fact("b", 0, after("a")), fact("a", 9)], [["a", "b"]], []),
    ([fact("a", 0), fact("b", 1, after("a", relation="before"))], [["b", "a"]], []),
    ([fact("b", 0, on("2024-05")), fact("a", 9, on("2023"))], [["a", "b"]], []),
    ([fact("a", 0, on("2024")), fact("b", 1, on("2024-05"))], [["a", "b"]], []),
    ([fact("a", 0), fact("b", 1)], [], ["a", "b"]),
    ([fact("a", 0, {"kind": "unknown"}), fact("b", 1, {"kind": "schedule"})], [], ["a", "b"]),
    (
        [fact("a", 0), fact("b", 1, after("a")), fact("c", 2), fact("d", 3, after("c"))],
        [["a", "b"], ["c", "d"]],
        [],
    ),
    ([fact("a", 0, scope="generic"), fact("b", 1, after("a"))], [], ["b"]),
    ([fact("a", 0, temporality="hypothetical")], [], []),
    ([fact("a", 0, on("2024"), polarity="absent")], [["a"]], []),
]


@pytest.mark.parametrize(("facts", "chains", "untold"), COURSES)
def test_a_course_has_the_order_that_is_told_and_no_other(facts, chains, untold):
    course = course_of(facts, [], legend_of(built_in()))
    assert [[step.fact["id"] for step in chain] for chain in course.chains] == chains
    assert [fact["id"] for fact in course.untold] == untold


def related(kind: str, one: str, two: str) -> dict[str, Any]:
    return {"type": kind, "from": one, "to": two, "explicit": True, "evidence": []}


def test_relations_that_lead_in_a_circle_still_give_a_course():
    circle = [related("followed_by", "a", "b"), related("after", "a", "b")]
    course = course_of([fact("a", 0), fact("b", 1)], circle, legend_of(built_in()))
    assert [step.fact["id"] for step in course.chains[0]] == ["a", "b"]


DAYS = [
    (after("a", 3), "day +3"),
    (after("a", 3, relation="before"), "day −3"),
    (after("a", 2, "wk"), "day +14"),
    (after("a", 2, "mo"), ""),
    (after("a", 2, comparator=">"), ""),
    (after("a", 2, high=4), ""),
    (after("a"), ""),
]


@pytest.mark.parametrize(("time", "day"), DAYS)
def test_a_day_is_counted_only_where_the_distance_is_exact(time, day):
    course = course_of([fact("a", 0), fact("b", 1, time)], [], legend_of(built_in()))
    [told] = [step.day for step in course.chains[0] if step.fact["id"] == "b"]
    assert told == day


def test_days_are_counted_from_the_first_of_a_chain():
    facts = [fact("a", 0), fact("b", 1, after("a", 3)), fact("c", 2, after("b", 2))]
    course = course_of(facts, [], legend_of(built_in()))
    assert [(s.day, s.since) for s in course.chains[0]] == [
        ("", ""),
        ("day +3", "A"),
        ("day +5", "A"),
    ]


def test_a_long_chain_of_anchors_is_no_trouble():
    facts = [fact("n0", 0), *(fact(f"n{n}", n, after(f"n{n - 1}", 1)) for n in range(1, 3000))]
    course = course_of(facts, [], legend_of(built_in()))
    assert course.chains[0][-1].day == "day +2999"
    drawing = drawing_of(course)
    assert len(drawing.rows) == 3000
    assert len({lane.x for lane in drawing.lanes}) == 1


# rows of the tables


def test_a_row_is_told_as_it_stands_in_its_file(tmp_path):
    rows = Rows(built_in())
    row = built_in().resources["Condition"][0]
    assert rows.cells(row.origin)["element"] == row.element
    assert rows.cells("codes/conditions.csv:999999") == {}
    assert rows.cells("tx:http://127.0.0.1/x") == {}


def test_the_row_of_an_overlay_is_told_by_what_was_made_of_it(tmp_path):
    (tmp_path / "codes").mkdir()
    line = (
        "term,code,display,match,releases,same_as,source,note\nflibber,HP:1,Flibber,exact,,,,mine\n"
    )
    (tmp_path / "codes" / "findings.csv").write_text(line, encoding="utf-8")
    rows = Rows(Tables.of([tmp_path]))
    assert rows.cells("codes/findings.csv:2", {"code": "HP:1"})["note"] == "mine"
    other = Rows(built_in()).cells("codes/findings.csv:2")
    assert rows.cells("codes/findings.csv:2", {"code": other["code"].partition(":")[2]}) == other


@pytest.mark.parametrize(
    ("table", "line", "message"),
    [
        ("kinds", "condition,C,Cs,red,M0 0z,", "'red' in the column hue is no number"),
        ("kinds", "condition,C,Cs,1,</style>,", "'</style>' is no icon"),
        ("signs", "polarity,absent,negated,bold,yes,M0 0z,", "'bold' is no line"),
        ("signs", "polarity,a}b,negated,solid,yes,M0 0z,", "'a}b' is no value"),
        ("elements", "code,face,,", "'face' is no place"),
        ("anchors", "after,after,after,later,", "'later' is no order"),
    ],
)
def test_a_wrong_row_of_the_legend_is_told_with_its_line(tmp_path, table, line, message):
    head = (PROJECT / "mappings" / "view" / f"{table}.csv").read_text(encoding="utf-8")
    (tmp_path / "view").mkdir()
    path = tmp_path / "view" / f"{table}.csv"
    path.write_text(f"{head.splitlines()[0]}\n{line}\n", encoding="utf-8")
    with pytest.raises(TableError, match=re.escape(message)) as caught:
        legend_of(Tables.of([tmp_path]))
    assert caught.value.where == f"view/{table}.csv:2"
    done = run("view", TEXT, "--mappings", tmp_path)
    assert (done.exit_code, message in done.stderr) == (1, True)


def test_an_overlay_names_and_colours_a_kind(tmp_path):
    (tmp_path / "view").mkdir()
    head = "kind,label,plural,hue,icon,note\nfinding,Befund,Befunde,7,M0 0h16v16H0z,\n"
    (tmp_path / "view" / "kinds.csv").write_text(head, encoding="utf-8")
    page = run("view", TEXT, "--mappings", tmp_path).stdout
    assert "Befunde" in page
    assert ".k-finding{--hue:7}" in page


def test_a_whole_set_of_tables_without_a_legend_has_the_built_in_one(tmp_path):
    from shutil import copytree, ignore_patterns

    copytree(PROJECT / "mappings", tmp_path / "all", ignore=ignore_patterns("view", "validate"))
    assert legend_of(Tables.of([tmp_path / "all"])).kinds == legend_of(built_in()).kinds


# the command


def policy_of(page: str) -> str:
    tree = html.fromstring(page)
    return str(tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0])


def test_the_policy_allows_the_one_style_and_the_one_script_and_nothing_else():
    page = run("view", TEXT).stdout
    found = {
        name: re.search(rf"<{name}>(.*?)</{name}>", page, re.DOTALL)[1]
        for name in ("style", "script")
    }
    digests = {
        name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for name, text in found.items()
    }
    assert policy_of(page) == (
        f"default-src 'none'; style-src 'sha256-{digests['style']}'; "
        f"script-src 'sha256-{digests['script']}'; base-uri 'none'; form-action 'none'"
    )
    tree = html.fromstring(page)
    attributes = {name for element in tree.iter() for name in element.attrib}
    assert not {name for name in attributes if name.startswith("on") or name in ("style", "src")}
    assert all(href.startswith("#") for href in tree.xpath("//@href"))


def test_the_same_input_gives_the_same_page_whoever_asks():
    assert run("view", TEXT).stdout == run("view", TEXT).stdout
    data = TEXT.read_bytes()
    assert "34-year-old" in run("view", "-", input=data).stdout


@pytest.mark.parametrize("release", ["R4", "R5"])
def test_a_page_is_made_in_every_release(release):
    page = run("view", TEXT, "--release", release).stdout
    assert f"FHIR {release}" in html.fromstring(page).find(".//header").text_content()


def test_facts_alone_show_the_words_that_they_quote(tmp_path):
    alone = tmp_path / "drug-rash.facts.json"
    alone.write_bytes(FACTS.read_bytes())
    page = html.fromstring(run("view", alone).stdout)
    assert "The report is not at hand" in page.text_content()
    marks = page.xpath("//div[@class='text']//mark")
    assert {m.get("data-quote") for m in marks} >= {
        f"q{e['start']}-{e['end']}"
        for fact in json.loads(alone.read_bytes())["facts"]
        for e in fact["evidence"]
    }


def test_facts_beside_their_report_show_the_whole_of_it():
    page = html.fromstring(run("view", FACTS).stdout)
    assert "Discussion" in page.find_class("text")[0].text_content()


def test_what_is_skipped_is_told_with_its_reason_and_sentence():
    page = html.fromstring(run("view", TEXT).stdout)
    [listed] = page.xpath("//section[@id='unmapped']//ul")
    said = " ".join(listed.text_content().split())
    assert "skipped: about a relative, not about this patient" in said
    assert "Her sister had had a similar rash with phenytoin." in said


def test_a_folder_gives_a_page_a_case_and_an_index(tmp_path):
    made("view", PROJECT / "samples", "-o", f"{tmp_path}/out/")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == sorted([f"{p.stem}.case.html" for p in SAMPLES] + ["index.html"])
    index = html.fromstring((tmp_path / "out" / "index.html").read_text(encoding="utf-8"))
    [numbers] = index.find_class("numbers")
    assert [dd.text for dd in numbers.iter("dd")][:2] == ["4", "5"]


def test_facts_go_before_the_report_that_lies_beside_them(tmp_path):
    (tmp_path / "drug-rash.txt").write_bytes(TEXT.read_bytes())
    document = json.loads(FACTS.read_bytes())
    document["facts"][0]["label"] = "corrected by hand"
    (tmp_path / "drug-rash.facts.json").write_text(json.dumps(document), encoding="utf-8")
    made("view", tmp_path, "-o", f"{tmp_path}/out/")
    page = (tmp_path / "out" / "drug-rash.case.html").read_text(encoding="utf-8")
    assert "corrected by hand" in page


def test_what_was_written_is_not_read_again(tmp_path):
    (tmp_path / "one.txt").write_bytes(TEXT.read_bytes())
    for _ in range(2):
        made("view", tmp_path, "-o", f"{tmp_path}/")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["index.html", "one.case.html", "one.txt"]


def test_a_file_that_cannot_be_read_stands_in_the_index_and_does_not_stop_the_others(tmp_path):
    (tmp_path / "bad.facts.json").write_text("{", encoding="utf-8")
    (tmp_path / "good.txt").write_bytes(TEXT.read_bytes())
    done = run("view", tmp_path, "-o", f"{tmp_path}/out/")
    assert done.exit_code == 1
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "bad.facts.json" in index
    assert "good.case.html" in index


def test_documents_one_a_line_give_a_page_each_and_bad_lines_are_told(tmp_path):
    line = json.dumps(json.loads(FACTS.read_bytes()))
    (tmp_path / "many.ndjson").write_text(f"{line}\n{{\n{line}\n", encoding="utf-8")
    done = run("view", tmp_path / "many.ndjson", "-o", f"{tmp_path}/out/")
    assert done.exit_code == 1
    assert "many.ndjson:2" in done.stderr
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["index.html", "many.p1.case.html", "many.p2.case.html"]


def test_a_report_called_index_keeps_its_page_apart_from_the_index(tmp_path):
    (tmp_path / "index.txt").write_bytes(TEXT.read_bytes())
    made("view", tmp_path / "index.txt", "-o", f"{tmp_path}/out/")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["index.case.html", "index.html"]


def test_one_file_that_is_large_is_said_to_be(tmp_path, monkeypatch):
    import fhirconv.cli.view  # noqa: F401 - the module; its name in the package is the command

    monkeypatch.setattr(sys.modules["fhirconv.cli.view"], "LARGE", 1000)
    done = run("view", *SAMPLES[:2], "-o", tmp_path / "all.html")
    assert done.exit_code == 0
    assert re.search(r"2 cases make one file of 1 MB: a browser is quicker with", done.stderr)


def test_several_inputs_need_a_place():
    done = run("view", *SAMPLES)
    assert done.exit_code == 2
    assert "need an output folder" in done.stderr
