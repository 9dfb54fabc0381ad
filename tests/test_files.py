"""Inputs and outputs: which files are meant, read within a limit, written whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from fhirconv import files
from fhirconv.bundle import serialise
from fhirconv.errors import ReadError, UsageError, WriteError
from fhirconv.files import Input, Outputs, expand, plan, write

LIMIT = 1000
posix = pytest.mark.skipif(os.name != "posix", reason="links, modes and devices of POSIX")


def every(_name: str) -> bool:
    return True


def folder_of(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name, encoding="utf-8")
    return folder


STEMS = [
    # file, the NAME of its outputs
    ("case.txt", "case"),
    ("case.html", "case"),
    ("case", "case"),
    ("case.tar.xml", "case.tar"),
    ("case.facts.json", "case"),
    ("case.facts.JSON", "case"),
    ("case.facts.txt", "case.facts"),
    ("case.json", "case"),
    (".case", ".case"),
    ("a case.v2.txt", "a case.v2"),
]


@pytest.mark.parametrize(("name", "stem"), STEMS)
def test_an_output_has_the_name_of_its_input_without_the_last_extension(name, stem):
    assert Input(Path("folder", name)).stem == stem


def test_standard_input_gives_outputs_called_stdin():
    assert Input().stem == "stdin"
    assert Input().shown == "standard input"


def test_a_folder_means_its_files_and_those_below_in_the_order_of_their_paths(tmp_path):
    folder = folder_of(tmp_path, "b.txt", "a.txt", "sub/c.txt", ".hidden.txt", ".git/d.txt")
    listed = [item.path for item in expand([str(folder)], every)]
    assert listed == [folder / "a.txt", folder / "b.txt", folder / "sub" / "c.txt"]


def test_what_is_wanted_is_asked_of_folders_but_not_of_files_that_are_named(tmp_path):
    folder = folder_of(tmp_path, "a.txt", "a.bundle.json")
    listed = expand([str(folder), str(folder / "a.bundle.json")], lambda n: n.endswith(".txt"))
    assert [item.path.name for item in listed] == ["a.txt", "a.bundle.json"]


def test_a_folder_without_anything_to_work_on_says_so(tmp_path):
    with pytest.raises(ReadError, match=r"the folder holds nothing to work on \["):
        expand([str(tmp_path)], every)


@posix
def test_links_to_files_are_followed_and_links_to_folders_are_not(tmp_path):
    folder = folder_of(tmp_path / "in", "a.txt", "sub/b.txt")
    (folder / "linked.txt").symlink_to(folder / "a.txt")
    (folder / "circle").symlink_to(folder, target_is_directory=True)
    (folder / "gone.txt").symlink_to(tmp_path / "nowhere")
    names = [item.path.name for item in expand([str(folder)], every)]
    assert names == ["a.txt", "gone.txt", "linked.txt", "b.txt"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of POSIX")
def test_a_pipe_in_a_folder_is_left_out_and_does_not_block(tmp_path):
    folder = folder_of(tmp_path, "a.txt")
    os.mkfifo(folder / "pipe")
    assert [item.path.name for item in expand([str(folder)], every)] == ["a.txt"]


def test_standard_input_is_named_once():
    with pytest.raises(UsageError, match="can be read only once"):
        expand(["-", "-"], every)


def test_an_empty_name_is_no_input():
    with pytest.raises(UsageError, match="an input has the empty name ''"):
        expand([""], every)


UNREADABLE = [
    # what, the sentence
    ("missing.txt", "no such file or directory"),
    ("nul\0l.txt", "embedded null"),
    ("n" * 300, "name too long"),
]


@posix
@pytest.mark.parametrize(("name", "sentence"), UNREADABLE)
def test_an_unreadable_file_is_one_sentence_with_its_name(tmp_path, name, sentence):
    with pytest.raises(ReadError) as error:
        Input(tmp_path / name).load(LIMIT)
    assert error.value.message.startswith("the file cannot be read: ")
    assert sentence in error.value.message
    assert "\0" not in error.value.where


def test_a_file_up_to_the_limit_is_read_and_one_over_it_is_not(tmp_path):
    (tmp_path / "fits").write_bytes(b"x" * LIMIT)
    (tmp_path / "large").write_bytes(b"x" * (LIMIT + 1))
    assert len(Input(tmp_path / "fits").load(LIMIT)) == LIMIT
    with pytest.raises(ReadError, match=r"larger than 1000 bytes \(--max-size\)"):
        Input(tmp_path / "large").load(LIMIT)


@posix
def test_a_name_that_is_no_text_can_be_printed_and_written_as_utf_8(tmp_path):
    shown = Input(Path(os.fsdecode(b"caf\xe9\x1b[31m.txt"))).shown
    assert shown == "caf\ufffd\ufffd[31m.txt"


def outputs_of(inputs: list[str], out: str | None) -> Outputs:
    listed = [Input(Path(name)) for name in inputs]
    return plan(listed, out, ".bundle.json", several=len(inputs) > 1)


def put(outputs: Outputs, documents: list[dict]) -> list[Path]:
    return outputs.put(Input(Path("a.txt")), documents, serialise)


@pytest.mark.parametrize("out", [None, "-"])
def test_one_input_goes_to_standard_output(out):
    outputs = outputs_of(["a.txt"], out)
    assert (outputs.folder, outputs.file) == (None, None)


@pytest.mark.parametrize("out", [None, "-"])
def test_many_inputs_need_a_folder(out):
    with pytest.raises(UsageError, match="several inputs or a folder need an output folder"):
        outputs_of(["a.txt", "b.txt"], out)


def test_an_output_that_ends_in_a_slash_is_a_folder_and_is_made(tmp_path):
    outputs = outputs_of(["a.txt"], f"{tmp_path}/new/deep/")
    assert outputs.folder == tmp_path / "new" / "deep"
    assert outputs.folder.is_dir()


def test_an_output_that_is_a_folder_takes_the_name_of_the_input(tmp_path):
    outputs = outputs_of(["a.txt"], str(tmp_path))
    assert put(outputs, [{}]) == [tmp_path / "a.bundle.json"]
    assert (tmp_path / "a.bundle.json").read_bytes() == b"{}\n"


def test_several_documents_of_one_input_are_numbered_in_a_folder(tmp_path):
    outputs = outputs_of(["a.txt"], f"{tmp_path}/")
    put(outputs, [{}, {"a": 1}])
    assert (tmp_path / "a.p1.bundle.json").read_bytes() == b"{}\n"
    assert (tmp_path / "a.p2.bundle.json").read_bytes() == b'{\n  "a": 1\n}\n'


def test_several_documents_of_one_input_stand_one_a_line_in_a_file(tmp_path, capfdbinary):
    documents = [{"a": [1.5]}, {}]
    put(outputs_of(["a.txt"], str(tmp_path / "x.ndjson")), documents)
    put(outputs_of(["a.txt"], None), documents)
    written = (tmp_path / "x.ndjson").read_bytes()
    assert written == b'{"a":[1.5]}\n{}\n'
    assert capfdbinary.readouterr().out == written


EQUAL = [
    ("a.txt", "sub/a.html", "a.txt and sub/a.html would both be written to 'a.bundle.json'"),
    ("a.txt", "a.facts.json", "a.txt and a.facts.json would both be written to"),
    ("A.txt", "a.html", "A.txt and a.html would both be written to 'a.bundle.json'"),
    ("caf\u00e9.txt", "cafe\u0301.html", "would both be written to"),
]


@pytest.mark.parametrize(("one", "other", "sentence"), EQUAL)
def test_equal_names_are_an_error_before_the_folder_is_made(tmp_path, one, other, sentence):
    with pytest.raises(UsageError, match=sentence.replace("/", r"[/\\]")):
        outputs_of([one, other], str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_numbered_name_never_takes_the_place_of_another_output(tmp_path):
    outputs = outputs_of(["a.txt", "a.p1.txt"], str(tmp_path))
    with pytest.raises(WriteError, match=r"'a.p1.bundle.json' is already the output of a.p1.txt"):
        put(outputs, [{}, {}])
    assert list(tmp_path.iterdir()) == []


def test_an_output_never_replaces_an_input(tmp_path):
    report = folder_of(tmp_path, "a.txt") / "a.txt"
    with pytest.raises(UsageError, match=r"'.*a\.txt' is one of the inputs"):
        outputs_of([str(report)], str(report))
    facts = folder_of(tmp_path, "a.facts.json") / "a.facts.json"
    with pytest.raises(UsageError, match="is one of the inputs"):
        plan([Input(facts)], str(tmp_path), ".facts.json", several=False)


def test_a_file_where_a_folder_is_needed_is_wrong_usage(tmp_path):
    file = folder_of(tmp_path, "out") / "out"
    with pytest.raises(UsageError, match="is a file, a folder is needed"):
        outputs_of(["a.txt", "b.txt"], str(file))
    with pytest.raises(UsageError, match="is a file, a folder is needed"):
        outputs_of(["a.txt"], f"{file}/")


def test_an_output_file_in_no_folder_is_told_before_work(tmp_path):
    with pytest.raises(WriteError, match="its folder is not there"):
        outputs_of(["a.txt"], str(tmp_path / "no" / "x.json"))


@pytest.mark.parametrize("name", ["", "-"])
def test_an_output_file_has_a_name(name):
    with pytest.raises(UsageError, match=f"'{name}' is no name for an output file"):
        files.output_file(name, [])


def test_a_write_replaces_the_whole_file_and_leaves_no_draft(tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(b"a longer text that was there")
    write(path, b"{}\n")
    assert path.read_bytes() == b"{}\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch, error):
    path = tmp_path / "x.json"
    path.write_bytes(b"before")

    def fail(_handle: int) -> None:
        raise error

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises((WriteError, KeyboardInterrupt)) as raised:
        write(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
    if isinstance(error, OSError):
        assert str(raised.value) == (
            f"the output cannot be written: no space left on device [{path}]"
        )


@posix
def test_a_write_keeps_the_rights_of_a_file_that_it_replaces(tmp_path):
    path = folder_of(tmp_path, "x.json") / "x.json"
    path.chmod(0o640)
    write(path, b"{}\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@posix
def test_a_link_given_as_the_output_stays_a_link_and_its_target_is_written(tmp_path):
    target = folder_of(tmp_path, "target.json") / "target.json"
    link = tmp_path / "link.json"
    link.symlink_to(target)
    put(outputs_of(["a.txt"], str(link)), [{}])
    assert link.is_symlink()
    assert target.read_bytes() == b"{}\n"


@posix
def test_a_link_in_the_output_folder_does_not_lead_out_of_it(tmp_path):
    outside = folder_of(tmp_path, "outside.json") / "outside.json"
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.bundle.json").symlink_to(outside)
    put(outputs_of(["a.txt"], str(out)), [{}])
    assert outside.read_text(encoding="utf-8") == "outside.json"
    assert (out / "a.bundle.json").read_bytes() == b"{}\n"
    assert not (out / "a.bundle.json").is_symlink()


@posix
def test_a_device_is_written_to_and_never_replaced():
    write(Path(os.devnull), b"{}\n")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full of Linux")
def test_a_full_disk_is_one_sentence():
    with pytest.raises(WriteError, match="no space left on device"):
        write(Path("/dev/full"), b"{}\n")
