"""The cache of the vocabularies: it changes how fast they load, and nothing else."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirconv import cache, terms
from fhirconv.tables import Tables

CODES = "term,code,display,match,releases,same_as,source,note\n"
FLIBBER = CODES + "flibber,NCIT:C28397,Flibber,exact,R5,,,\nflibberosis,,,,,flibber,,\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An overlay of one table, and a cache folder of its own beside it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FHIRCONV_CACHE", raising=False)
    (tmp_path / "mine" / "codes").mkdir(parents=True)
    table(tmp_path / "mine", FLIBBER)
    return tmp_path / "mine"


def table(folder: Path, text: str) -> None:
    (folder / "codes" / "conditions.csv").write_text(text, encoding="utf-8")


def kept(folder: Path) -> list[Path]:
    return sorted((folder.parent / "cache").rglob("*.json"))


def told(folder: Path) -> dict[str, list[object]]:
    return {name: list(v.terms.items()) for name, v in Tables.of([folder]).codes.items()}


def flibber(folder: Path) -> str:
    return Tables.of([folder]).codes["conditions"].lookup("Flibberosis", "R5")[0].display


def test_from_the_cache_come_the_same_terms_in_the_same_order(folder):
    first = told(folder)
    assert len(kept(folder)) == 1
    assert told(folder) == first
    assert len(kept(folder)) == 1


def test_a_table_that_was_changed_is_read_again(folder):
    assert flibber(folder) == "Flibber"
    table(folder, FLIBBER.replace("Flibber,", "Flabber,"))
    os.utime(folder / "codes" / "conditions.csv", ns=(1, 1))  # as long, but at another time
    assert flibber(folder) == "Flabber"


def test_a_table_that_was_added_or_taken_away_is_seen(folder):
    count = len(Tables.of([folder]).codes)
    (folder / "codes" / "flubbers.csv").write_text(CODES, encoding="utf-8")
    assert len(Tables.of([folder]).codes) == count + 1
    (folder / "codes" / "flubbers.csv").unlink()
    assert len(Tables.of([folder]).codes) == count


def test_another_version_of_the_program_reads_again(folder, monkeypatch):
    assert flibber(folder) == "Flibber"
    monkeypatch.setattr(cache, "VERSION", "999")
    assert flibber(folder) == "Flibber"
    assert len(kept(folder)) == 2


DAMAGE = [b"", b"\x00" * 100, b"fhirconv 00\n{}", b"[" * 100_000]


@pytest.mark.parametrize("damage", DAMAGE, ids=range(len(DAMAGE)))
def test_a_damaged_cache_is_passed_over_and_written_anew(folder, damage):
    first = told(folder)
    whole = kept(folder)[0].read_bytes()
    kept(folder)[0].write_bytes(damage)
    assert told(folder) == first
    assert kept(folder)[0].read_bytes() == whole


@settings(deadline=None)
@given(st.data())
def test_a_cache_with_any_byte_changed_or_cut_is_passed_over(tmp_path_factory, data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        made = {"flibbers": {"flibber": ("flibber", "flibber", "a.csv:2", [])}}
        assert cache.kept([Path(__file__)], lambda: made) == made
        place = next(Path(os.environ["XDG_CACHE_HOME"]).rglob("*.json"))
        whole = place.read_bytes()
        at = data.draw(st.integers(0, len(whole) - 1))
        other = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[at]))
        place.write_bytes(data.draw(st.sampled_from(
            [whole[:at], whole[:at] + bytes([other]) + whole[at + 1 :]]
        )))  # fmt: skip
        assert cache.kept([Path(__file__)], lambda: made) == made


@pytest.mark.parametrize("word", ["off", "OFF", "0", "no"])
def test_the_cache_can_be_switched_off(folder, monkeypatch, word):
    monkeypatch.setenv("FHIRCONV_CACHE", word)
    assert flibber(folder) == "Flibber"
    assert kept(folder) == []


def test_a_cache_folder_that_cannot_be_written_is_done_without(folder, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder would be", encoding="utf-8")
    assert flibber(folder) == "Flibber"


def test_tables_with_a_defect_are_not_kept(folder):
    table(folder, CODES + "flibber,NOWHERE:1,Flibber,exact,,,,\n")
    found = []
    assert Tables.of([folder], found).codes
    assert "no code system has the prefix" in found[0].message
    assert kept(folder) == []


def test_only_the_latest_are_kept(folder):
    for number in range(cache.KEPT + 3):
        table(folder, FLIBBER + "# more\n" * number)
        flibber(folder)
    assert len(kept(folder)) == cache.KEPT


FOLDERS = [
    ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/fhirconv"),
    ("linux", {"XDG_CACHE_HOME": "not/absolute", "HOME": "/h"}, "/h/.cache/fhirconv"),
    ("linux", {"HOME": "/h"}, "/h/.cache/fhirconv"),
    ("darwin", {"HOME": "/h"}, "/h/Library/Caches/fhirconv"),
    ("win32", {"LOCALAPPDATA": "/l"}, "/l/fhirconv/Cache"),
]


@pytest.mark.skipif(os.name == "nt", reason="the paths are written as POSIX has them")
@pytest.mark.parametrize(("platform", "variables", "wanted"), FOLDERS)
def test_the_folder_is_that_of_the_platform(monkeypatch, platform, variables, wanted):
    for name in ("XDG_CACHE_HOME", "FHIRCONV_CACHE", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", platform)
    assert cache.folder() == Path(wanted)


@settings(deadline=None)
@given(st.text())
def test_the_key_of_a_term_is_its_own_key(text):
    assert terms.term_key(terms.term_key(text).strip()) == terms.term_key(terms.term_key(text))


@settings(deadline=None)
@given(st.lists(st.text("aZß–—-'’ \t\u00a0", min_size=1), min_size=1))
def test_dashes_quotes_case_and_space_do_not_count(parts):
    spaced = "\u2003 ".join(parts)
    plain = spaced.replace("–", "-").replace("—", "-").replace("’", "'")
    assert terms.term_key(spaced) == terms.term_key(" ".join(plain.split()).upper().lower())
