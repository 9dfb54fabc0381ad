"""Packed inputs: gzip by content, ZIP archives as folders, and what is hostile in them."""

import gzip
import json
import struct
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirconv import archives, convert
from fhirconv.cli import main
from fhirconv.errors import ReadError
from fhirconv.files import Input, expand, many
from tests.test_records import medline

BOY = b"Case\nA 9-year-old boy had fever after rituximab.\n"
GIRL = (
    b"<article><front/><body><p>A 9-year-old girl had fever after rituximab.</p></body></article>"
)


def zipped(path: Path, *files: tuple[str, bytes]) -> Path:
    """Return an archive of files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return path


def every(_name: str) -> bool:
    return True


def listed(path: Path) -> list[str]:
    return [item.shown.removeprefix(f"{path.parent}/") for item in expand([str(path)], every)]


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(a) for a in arguments])
    return done.exit_code, done.output


def test_an_archive_is_a_folder_of_its_files(tmp_path: Path) -> None:
    files = (("b/girl.xml", GIRL), ("boy.txt", BOY), ("two.nbib", medline(1, 2)))
    path = zipped(tmp_path / "reports", *files)  # known by its content, not by its name
    assert many([str(path)])
    out = tmp_path / "out"
    code, said = run("convert", path, "-o", out)
    assert code == 0, said
    names = sorted(p.name for p in out.iterdir())
    assert names == [
        *("boy.bundle.json", "girl.bundle.json", "two.p1.bundle.json", "two.p2.bundle.json")
    ]
    folder = tmp_path / "plain"
    for name, data in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    run("convert", folder, "-o", tmp_path / "same")
    ids = [
        [json.loads((place / n).read_bytes())["entry"][0]["fullUrl"] for n in names]
        for place in (out, tmp_path / "same")
    ]
    assert ids[0] == ids[1]


def test_facts_tell_the_file_within_its_archive(tmp_path: Path) -> None:
    path = zipped(tmp_path / "reports.zip", ("b/girl.xml", GIRL))
    assert run("extract", path, "-o", tmp_path / "out")[0] == 0
    document = json.loads((tmp_path / "out" / "girl.facts.json").read_bytes())
    assert document["source"]["file"] == "reports.zip!b/girl.xml"


def test_a_bad_file_of_an_archive_is_told_and_costs_no_other(tmp_path: Path) -> None:
    path = zipped(tmp_path / "r.zip", ("a.txt", BOY), ("b.png", b"\x89PNG\r\n\x1a\n"))
    code, said = run("convert", path, "-o", tmp_path / "out")
    assert code == 1
    assert "the file is a PNG image" in said.replace("\n", " ")
    assert "r.zip!b.png" in said
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a.bundle.json"]


def test_hidden_files_folders_and_links_are_left_out(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "r.zip",
        *((name, BOY) for name in ("a.txt", ".b.txt", "__MACOSX/a.txt", ".git/c.txt", "d\\e.txt")),
    )
    with zipfile.ZipFile(path, "a") as archive:
        archive.mkdir("folder")
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert listed(path) == ["r.zip!a.txt", "r.zip!d/e.txt"]


@pytest.mark.parametrize("name", ["../../boy.txt", "/boy.txt", "C:\\x\\boy.txt", "a/../../boy.txt"])
def test_a_name_that_leads_outside_leads_nowhere(name: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "r.zip", (name, BOY))
    out = tmp_path / "deep" / "out"
    assert run("convert", path, "-o", out)[0] == 0
    made = [p for p in tmp_path.rglob("*") if p.is_file() and p != path]
    assert made == [out / "boy.bundle.json"]


def test_names_in_utf8_without_the_flag_are_read(tmp_path: Path) -> None:
    path = tmp_path / "r.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Fi\u00e8vre.txt", BOY)
    data = path.read_bytes()
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.index(mark) + place
        data = data[:start] + struct.pack("<H", 0) + data[start + 2 :]
    path.write_bytes(data)
    assert listed(path) == ["r.zip!Fi\u00e8vre.txt"]
    [item] = expand([str(path)], every)
    assert item.load(1000) == BOY


def test_what_could_not_be_a_file_name_gives_an_output_all_the_same() -> None:
    assert Input(Path("r.zip"), member='a/what? "x".txt').stem == "what_ _x_"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "r.zip", ("a.txt", BOY), ("a.txt", GIRL))
    with pytest.raises(ReadError, match=r"the archive holds 'a.txt' 2 times"):
        expand([str(path)], every)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    zeros = b"0" * 30_000_000
    path = zipped(tmp_path / "r.zip", *((f"{n}.txt", zeros) for n in range(5)))
    with pytest.raises(ReadError, match="would unpack to 150000000 bytes, which is not done"):
        expand([str(path)], every)


def test_a_file_of_an_archive_is_read_to_the_limit_only(tmp_path: Path) -> None:
    path = zipped(tmp_path / "r.zip", ("a.txt", b"0" * 5_000_000))
    [item] = expand([str(path)], every)
    with pytest.raises(ReadError, match=r"the file is larger than 1000 bytes \(--max-size\)"):
        item.load(1000)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST", 2)
    path = zipped(tmp_path / "r.zip", *((f"{n}.txt", BOY) for n in range(3)))
    with pytest.raises(ReadError, match="the archive holds 3 files, more than 2"):
        expand([str(path)], every)


def test_an_archive_in_an_archive_is_not_opened(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", ("a.txt", BOY)).read_bytes()
    path = zipped(tmp_path / "r.zip", ("inner.zip", inner))
    code, said = run("convert", path, "-o", tmp_path / "out")
    assert code == 1
    assert "is a ZIP archive of 1 files within another" in said.replace("\n", " ")


def test_an_encrypted_file_is_told(tmp_path: Path) -> None:
    path = zipped(tmp_path / "r.zip", ("a.txt", BOY))
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    path.write_bytes(data)
    [item] = expand([str(path)], every)
    with pytest.raises(ReadError, match="it is encrypted within the archive"):
        item.load(1000)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_bent_archive_gives_bytes_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = zipped(tmp_path_factory.mktemp("z") / "r.zip", ("a.txt", BOY), ("b.xml", GIRL))
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        for item in expand([str(path)], every):
            item.load(10_000)
    except ReadError as error:
        told = str(error)
        assert "\n" not in told


# --- gzip


def test_a_packed_report_is_known_by_its_content(tmp_path: Path) -> None:
    for name in ("boy.txt.gz", "boy"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(BOY))
        report = convert.read(path)
        assert report.text == BOY.decode()
        assert report.source["file"] == name.removesuffix(".gz")
    code, said = run("convert", tmp_path / "boy.txt.gz", "-o", tmp_path / "out.json")
    assert code == 0, said
    code, said = run("convert", tmp_path / "boy", "-o", tmp_path / "same.json")
    assert code == 0, said


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (gzip.compress(BOY)[:-12], "the gzip file is cut short"),
        (gzip.compress(b"0" * 30_000_000), "the file is larger than 20000000 bytes when unpacked"),
        (b"\x1f\x8bnothing", "the file is no sound gzip file"),
        (gzip.compress(gzip.compress(BOY)), "the file is a gzip archive, which is not read"),
    ],
)
def test_what_is_packed_badly_is_told(data: bytes, message: str) -> None:
    with pytest.raises(ReadError) as raised:
        convert.read(data, name="x.gz")
    assert str(raised.value).startswith(message)
