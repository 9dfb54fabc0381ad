"""Documents one a line: in order whatever the number of processes, a bad one told, memory flat."""

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fhirconv.cli import main
from fhirconv.errors import FhirconvError
from fhirconv.files import Input
from fhirconv.lines import Reading, named_so, sniffed
from fhirconv.outcome import Issue
from fhirconv.pool import in_order
from fhirconv.stream import LINES, Converter, pieces

PROJECT = Path(__file__).resolve().parents[1]
SAMPLES = sorted((PROJECT / "samples").glob("*/*.facts.json"))
LIMIT = 1_000_000


def documents(count: int) -> Iterator[bytes]:
    """Yield facts documents on one line, each with a source of its own."""
    known = [json.loads(path.read_bytes()) for path in SAMPLES]
    for number in range(count):
        document = known[number % len(known)]
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        document["source"] |= {"sha256": digest, "file": f"{number}.txt"}
        yield json.dumps(document, ensure_ascii=False).encode()


def call(*arguments: object, input: bytes | None = None) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments], input=input)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    """Five documents one a line, an empty line among them."""
    path = tmp_path / "cases.facts.ndjson"
    path.write_bytes(b"\n".join([*documents(3), b"", *documents(2)]) + b"\n")
    return path


def kinds(data: bytes) -> list[str]:
    return [json.loads(line)["resourceType"] for line in data.splitlines()]


# --- what is read and where it is written ---------------------------------------------------


def test_a_document_a_line_makes_a_bundle_a_line(facts: Path):
    out = facts.parent / "out.ndjson"
    assert call("convert", facts, "-o", out).exit_code == 0
    patients = [
        len(json.loads(line)["patients"]) for line in facts.read_bytes().split(b"\n") if line
    ]
    assert kinds(out.read_bytes()) == ["Bundle"] * sum(patients)


def test_each_line_makes_what_its_document_makes_alone(facts: Path):
    alone = []
    for number, line in enumerate(facts.read_bytes().split(b"\n")):
        if line:
            path = facts.parent / f"{number}.facts.json"
            path.write_bytes(line)
            alone += [json.loads(b) for b in split(call("convert", path, "-q").stdout_bytes)]
    assert [json.loads(b) for b in call("convert", facts).stdout_bytes.splitlines()] == alone


def split(data: bytes) -> list[bytes]:
    """Return the documents of an output: one, or one a line."""
    return data.splitlines() if data.startswith(b'{"') else [data]


WAYS = {
    # how it is given: the name of the input (None: standard input), packed or not
    "a file": ("x.ndjson", False),
    "a packed file": ("x.ndjson.gz", True),
    "a file of another usual name": ("x.jsonl", False),
    "a packed file that does not say so": ("x.ndjson", True),
    "a file told by its content": ("facts.txt", False),
    "standard input": (None, False),
    "standard input, packed": (None, True),
}


@pytest.mark.parametrize("way", WAYS)
def test_lines_are_read_from(way: str, facts: Path):
    name, packed = WAYS[way]
    data = facts.read_bytes()
    given = gzip.compress(data) if packed else data
    expected = call("convert", facts, "-q").stdout_bytes
    if name is None:
        assert call("convert", "-", "-q", input=given).stdout_bytes == expected
        return
    (facts.parent / name).write_bytes(given)
    assert call("convert", facts.parent / name, "-q").stdout_bytes == expected


def test_a_packed_output_is_the_same_lines_and_the_same_bytes_each_time(facts: Path):
    plain, packed = (facts.parent / name for name in ("o.ndjson", "o.ndjson.gz"))
    written = []
    for path in (plain, packed, packed):
        assert call("convert", facts, "-o", path).exit_code == 0
        written.append(path.read_bytes())
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    assert written[1] == written[2]


def test_a_packed_output_is_validated_like_any_other(facts: Path):
    packed = facts.parent / "o.ndjson.gz"
    assert call("convert", facts, "-o", packed).exit_code == 0
    result = call("validate", packed)
    assert result.exit_code == 0
    assert (
        f"{len(gzip.decompress(packed.read_bytes()).splitlines())} bundles: 0 errors"
        in result.output
    )


def test_several_packed_parts_in_one_file_are_all_read(facts: Path):
    first, second = documents(2)
    path = facts.parent / "parts.ndjson.gz"
    path.write_bytes(gzip.compress(first + b"\n") + gzip.compress(second + b"\n"))
    out = call("convert", path).stdout_bytes
    assert len(out.splitlines()) == len(
        call("convert", "-", input=first + b"\n" + second).stdout_bytes.splitlines()
    )


def test_a_folder_goes_to_one_file_of_lines_where_the_output_is_called_so(facts: Path):
    folder = facts.parent / "cases"
    folder.mkdir()
    for number, document in enumerate(documents(3)):
        (folder / f"{number}.facts.json").write_bytes(document)
    out = facts.parent / "all.ndjson"
    assert call("convert", folder, "-o", out).exit_code == 0
    one_a_line = facts.parent / "same.ndjson"
    one_a_line.write_bytes(b"\n".join(documents(3)))
    assert out.read_bytes() == call("convert", one_a_line).stdout_bytes


def test_lines_into_a_folder_are_numbered_files(facts: Path):
    out = facts.parent / "out"
    assert call("convert", facts, "-o", f"{out}/").exit_code == 0
    lines = call("convert", facts).stdout_bytes.splitlines()
    names = [f"cases.p{n}.bundle.json" for n in range(1, len(lines) + 1)]
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    assert [json.loads((out / n).read_bytes()) for n in names] == [json.loads(x) for x in lines]


def test_phenopackets_one_a_line_say_their_line(tmp_path: Path):
    packet = {"id": "a", "phenotypicFeatures": [{"type": {"id": "HP:0001945", "label": "Fever"}}]}
    path = tmp_path / "p.jsonl.gz"
    path.write_bytes(
        gzip.compress(b"\n".join(json.dumps(packet | {"id": n}).encode() for n in "ab"))
    )
    bundles = [json.loads(line) for line in call("convert", path).stdout_bytes.splitlines()]
    assert len(bundles) == 2
    assert bundles[0]["id"] != bundles[1]["id"]


def test_the_number_of_processes_changes_nothing(tmp_path: Path):
    path = tmp_path / "many.ndjson"
    path.write_bytes(b"\n".join([*documents(40), b"{broken", *documents(3)]))
    outs = [tmp_path / f"{jobs}.ndjson" for jobs in (1, 2)]
    said = [call("convert", path, "-o", out, "--jobs", n) for n, out in enumerate(outs, 1)]
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert said[0].stderr == said[1].stderr


def test_a_folder_is_converted_by_several_processes_into_the_same_files(facts: Path):
    folder = facts.parent / "cases"
    folder.mkdir()
    (folder / "x.txt").write_text("A man with acute leukemia died.\n", encoding="utf-8")
    (folder / "y.facts.json").write_bytes(next(documents(1)))
    (folder / "z.facts.json").write_bytes(b"{}")
    said = [call("convert", folder, "-o", f"{facts.parent}/o{n}/", "-j", n) for n in (1, 2)]
    assert [result.exit_code for result in said] == [1, 1]
    assert said[0].stderr == said[1].stderr
    made = [{p.name: p.read_bytes() for p in (facts.parent / f"o{n}").iterdir()} for n in (1, 2)]
    assert made[0] == made[1]
    assert sorted(made[0])[0] == "x.bundle.json"


def test_what_is_made_is_validated_unless_the_user_says_no(facts: Path, monkeypatch):
    def find(*_: object) -> Iterator[Issue]:
        yield Issue("error", "invariant", "found by the validator")

    monkeypatch.setattr(sys.modules["fhirconv.convert"], "find_issues", find)
    assert "found by the validator" in call("convert", facts).stderr
    said = call("convert", facts, "--no-validate")
    assert (said.exit_code, "found by the validator" in said.stderr) == (0, False)


# --- what is wrong ----------------------------------------------------------------------------

FINE = next(documents(1))
BAD = [
    # the second line, the sentence behind file and line
    (b"nonsense", "this is no JSON (expecting value): 'nonsense', at column 1"),
    (b'{"a": 1', "the JSON breaks off: the file is cut short, at column 8"),
    (b"[]", "a facts document is a JSON object"),
    (b"{}", "schemaVersion is missing: this is no facts document"),
    (b'{"a": "\xff"}', "the file is not UTF-8: the byte 0xff, at column 8"),
    (b'{"resourceType": "Bundle"}', "schemaVersion is missing: this is no facts document"),
    (FINE.replace(b'"1.0"', b'"7.0"', 1), "schemaVersion '7.0' is not known here (known: 1.0)"),
    (b'{"phenotypicFeatures": [], "subject": 1}', "the subject of a phenopacket is a JSON object"),
    (b'{"a": "' + b"x" * LIMIT + b'"}', f"the line is longer than {LIMIT} bytes (--max-size)"),
]


@pytest.mark.parametrize(("line", "sentence"), BAD)
def test_a_bad_line_is_told_with_its_number_and_the_others_go_on(line, sentence, tmp_path: Path):
    path, out, report = (tmp_path / name for name in ("x.ndjson", "out.ndjson", "report.json"))
    path.write_bytes(b"\n".join([FINE, line, FINE]))
    arguments = ("-o", out, "--report", report, "--max-size", LIMIT)
    result = call("convert", path, *arguments)
    assert result.exit_code == 1
    assert [said for said in result.stderr.splitlines() if "error: " in said] == [
        f"{path}:2: error: {sentence}"
    ]
    assert len(out.read_bytes().splitlines()) == 2 * len(json.loads(FINE)["patients"])
    fatal = [i for i in json.loads(report.read_bytes())["issue"] if i["severity"] == "fatal"]
    assert [issue["diagnostics"] for issue in fatal] == [sentence]
    assert fatal[0]["expression"] == [f"{path}:2"]


@pytest.mark.parametrize(
    ("cut", "sentence"),
    [(-9, "the gzip file is cut short"), (-4, "the file is")],
)
def test_a_packed_file_that_breaks_off_is_told_and_what_stood_before_is_made(
    cut, sentence, tmp_path
):
    path = tmp_path / "x.ndjson.gz"
    path.write_bytes(gzip.compress(FINE + b"\n" + FINE + b"\n")[:cut])
    result = call("convert", path)
    assert result.exit_code == 1
    assert "error: the gzip file is cut short" in result.stderr


@pytest.mark.parametrize("content", [b"", b"\n \r\n", gzip.compress(b""), gzip.compress(b"\n")])
def test_a_file_without_a_document_is_told(content: bytes, tmp_path: Path):
    path = tmp_path / "x.ndjson"
    path.write_bytes(content)
    result = call("convert", path, "-o", tmp_path / "out.ndjson")
    assert result.exit_code == 1
    assert f"{path}:1: error: the file has no line with a document" in result.stderr
    assert not (tmp_path / "out.ndjson").exists()


def test_where_no_line_gives_a_bundle_what_was_there_stays(tmp_path: Path):
    path, out, report = (tmp_path / name for name in ("x.ndjson", "out.ndjson", "report.json"))
    path.write_bytes(b"{}\n{}\n")
    out.write_bytes(b"before")
    assert call("convert", path, "-o", out, "--report", report).exit_code == 1
    assert out.read_bytes() == b"before"
    assert (
        len([i for i in json.loads(report.read_bytes())["issue"] if i["severity"] == "fatal"]) == 2
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.ndjson", "report.json", "x.ndjson"]


def test_an_output_that_is_the_input_is_wrong_usage(facts: Path):
    before = facts.read_bytes()
    assert call("convert", facts, "-o", facts).exit_code == 2
    assert facts.read_bytes() == before


@pytest.mark.parametrize("jobs", ["0", "-1", "two"])
def test_a_number_of_processes_that_is_none_is_wrong_usage(jobs: str, facts: Path):
    assert call("convert", facts, "--jobs", jobs).exit_code == 2


# --- the account ------------------------------------------------------------------------------


def test_the_report_sums_what_became_of_the_facts(facts: Path):
    report = facts.parent / "report.json"
    assert call("convert", facts, "-o", f"{facts}.out.ndjson", "--report", report).exit_code == 0
    outcome = json.loads(report.read_bytes())
    assert outcome["resourceType"] == "OperationOutcome"
    sums = dict(
        i["diagnostics"].rsplit(": ", 1) for i in outcome["issue"] if i["expression"] == ["facts"]
    )
    stated = sum(len(json.loads(x)["facts"]) for x in facts.read_bytes().split(b"\n") if x)
    assert int(sums["facts"]) == sum(int(sums[name]) for name in ("mapped", "text only", "skipped"))
    assert int(sums["facts"]) == stated


def test_the_counts_of_documents_are_told(facts: Path):
    said = call("convert", facts, "-o", f"{facts}.out.ndjson").stderr
    assert [line.split("│")[1:3] for line in said.splitlines() if "│ read" in line] == [
        [" read          ", "      5 "]
    ]


# --- flat memory, order, processes --------------------------------------------------------------


def test_lines_are_read_as_they_are_asked_for(tmp_path: Path):
    path = tmp_path / "long.ndjson"
    with path.open("wb") as file:
        for _ in range(200):
            file.write(b'{"a": "' + b"x" * 100_000 + b'"}\n')
    tracemalloc.start()
    assert sum(len(piece.lines) for piece in pieces([Input(path)], LIMIT)) == 200
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < path.stat().st_size / 4


def test_a_line_over_the_limit_is_passed_over_without_being_kept(tmp_path: Path):
    path = tmp_path / "long.ndjson"
    path.write_bytes(b"x" * 30_000_000 + b"\n{}\n")
    tracemalloc.start()
    lines = list(Reading(Input(path), 1000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [line.number for line in lines] == [1, 2]
    assert lines[0].problem == "the line is longer than 1000 bytes (--max-size)"
    assert peak < 1_000_000


def test_the_pieces_are_the_same_whoever_works_on_them_and_count_all_bytes(facts: Path):
    listed = [list(pieces([Input(facts)], LIMIT)) for _ in range(2)]
    assert listed[0] == listed[1]
    assert sum(piece.size for piece in listed[0]) == facts.stat().st_size


def double(number: int) -> int:
    return 2 * number


def fall(number: int) -> int:
    raise FhirconvError(f"{number} is bad", "here")


def vanish(number: int) -> int:
    os._exit(1)


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_work_which_is_asked_for_as_there_is_room(jobs: int):
    asked: list[int] = []

    def work() -> Iterator[int]:
        for number in range(30):
            asked.append(number)
            yield number

    results = in_order(double, work(), jobs)
    assert next(results) == 0
    assert len(asked) < 10
    assert list(results) == [2 * number for number in range(1, 30)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_trouble_in_a_process_is_the_trouble_of_all(jobs: int):
    with pytest.raises(FhirconvError, match="0 is bad"):
        list(in_order(fall, range(3), jobs))


def test_a_process_that_is_killed_is_told():
    with pytest.raises(FhirconvError, match="was ended from outside"):
        list(in_order(vanish, range(3), 2))


@pytest.fixture
def heeded() -> Iterator[None]:
    """Let programs take Ctrl-C as on a terminal, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def wait_for_output(folder: Path) -> None:
    """Wait until something is written, so that every process has started."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if any(path.stat().st_size for path in folder.glob(".fhirconv-*")):
            return
        time.sleep(0.05)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.usefixtures("heeded")
def test_ctrl_c_ends_all_processes_and_leaves_no_output(jobs: str, tmp_path: Path):
    path, out = tmp_path / "many.ndjson", tmp_path / "out.ndjson"
    path.write_bytes(b"\n".join(documents(2000)))
    command = [sys.executable, "-m", "fhirconv", "convert", str(path), "-o", str(out), "-j", jobs]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    wait_for_output(tmp_path)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.decode().strip() == "interrupted"
    assert [p.name for p in tmp_path.iterdir()] == ["many.ndjson"]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_request_to_end_leaves_no_output(jobs: str, tmp_path: Path):
    path, out = tmp_path / "many.ndjson", tmp_path / "out.ndjson"
    path.write_bytes(b"\n".join(documents(2000)))
    command = [sys.executable, "-m", "fhirconv", "convert", str(path), "-o", str(out), "-j", jobs]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    wait_for_output(tmp_path)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert [p.name for p in tmp_path.iterdir()] == ["many.ndjson"]


# --- by name and by content ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "so"),
    [
        ("a.ndjson", True),
        ("a.NDJSON.gz", True),
        ("a.facts.jsonl", True),
        ("a.json", False),
        ("a.gz", False),
    ],
)
def test_a_name_says_that_there_is_a_document_a_line(name: str, so: bool):
    assert named_so(name) == so


@pytest.mark.parametrize(
    ("content", "so"),
    [
        (b'{"a": 1}\n{"a": 2}\n', True),
        (b'\xef\xbb\xbf{"a": 1}\r\n\r\n{"a": 2}', True),
        (b'{"a": 1}\n', False),
        (b'{\n"a": 1}\n', False),
        (b"A man of 61 years.\nHe died.\n", False),
        (b"", False),
        (b"\n", False),
    ],
)
def test_the_first_lines_say_that_there_is_a_document_a_line(content, so, tmp_path: Path):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    assert sniffed(Input(path), LIMIT)[0] == so


def test_a_converter_can_be_sent_to_another_process():
    import pickle

    made = Converter("R4", "transaction", (), None, LIMIT, LINES)
    assert pickle.loads(pickle.dumps(made)) == made
