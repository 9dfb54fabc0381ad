"""The documents say what is so: the map, the commands, the columns, and examples that run."""

import re
import shutil
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fhirconv.cli import NOT_YET, main
from fhirconv.tables import MAPPINGS
from tests.readme import BLOCK, MAP, PROJECT, map_of_modules, played, run
from tests.shelf_server import Shelf

README = (PROJECT / "README.md").read_text(encoding="utf-8")
CHANGELOG = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
CONTRIBUTING = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")

LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")

bash = pytest.mark.skipif(not shutil.which("bash"), reason="the examples are for a shell")


def commands() -> dict[str, click.Command]:
    """Return every command, and the parts of one as 'tables diff'."""
    parts = {
        f"{name} {part}": command
        for name, verb in main.commands.items()
        if isinstance(verb, click.Group)
        for part, command in verb.commands.items()
    }
    return main.commands | parts


def options() -> set[str]:
    """Return every long option of every command."""
    listed = [p for command in (main, *commands().values()) for p in command.params]
    return {name for p in listed for name in p.opts if name.startswith("--")} - {"--help"}


def examples() -> list[tuple[str, str]]:
    """Return the example of every command's help, the group's own among them."""
    named = {"fhirconv": main} | commands()
    return [
        (name, line.strip())
        for name, command in named.items()
        for line in (command.epilog or "").splitlines()
        if line.strip().startswith("fhirconv ")
    ]


def test_the_map_of_the_readme_is_the_docstrings_of_the_modules():
    assert MAP.findall(README) == [map_of_modules()]


@pytest.mark.parametrize("name", commands())
def test_every_command_stands_in_the_readme(name):
    assert f"`fhirconv {name} " in README


@pytest.mark.parametrize("name", sorted(options()))
def test_every_option_stands_in_the_readme(name):
    assert f"`{name}" in README


@pytest.mark.parametrize("name", commands())
def test_every_command_has_an_example_in_its_help(name):
    assert name in dict(examples())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the samples as the examples of the help call them."""
    shutil.copytree(PROJECT / "samples", tmp_path / "samples")
    reports = sorted((PROJECT / "samples").glob("*/*"))
    text = next(p for p in reports if p.suffix == ".txt")
    page = next(p for p in reports if p.suffix == ".html")
    for name in ("reports", "bundles", "mine/codes"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(text, tmp_path / "report.txt")
    shutil.copy(page, tmp_path / "report.html")
    shutil.copy(text, tmp_path / "reports" / "one.txt")
    shutil.copy(page, tmp_path / "reports" / "other.html")
    made = CliRunner().invoke(main, ["convert", str(text), "-o", f"{tmp_path}/bundles/"])
    assert made.exit_code == 0, made.output
    shutil.copy(MAPPINGS / "codes" / "outcomes.csv", tmp_path / "mine" / "codes")
    named = ["--bundle", "ndjson", "-o", f"{tmp_path}/bulk/"]
    made = CliRunner().invoke(main, ["convert", str(text), *named])
    assert made.exit_code == 0, made.output
    ontology = "format-version: 1.2\nontology: hp\n\n[Term]\nid: HP:9000001\nname: flibber\n"
    (tmp_path / "hp.obo").write_text(ontology, encoding="utf-8")
    return tmp_path


@bash
@pytest.mark.parametrize(("name", "example"), examples())
def test_the_example_of_the_help_runs(name, example, folder):
    with Shelf() as server:
        if name == "pull":
            server.store["Patient/p1"] = (1, {"resourceType": "Patient", "id": "p1"}, "")
        done = run(example.replace("http://localhost:8080/fhir", server.url), folder)
        is_tried = "--dry-run" in example
        assert bool(server.store) == (name in ("push", "pull", "import") and not is_tried)
    assert done.returncode == 0, done.stdout


@bash
def test_the_worked_example_of_the_readme_prints_what_it_shows(folder):
    for block in BLOCK.findall(README):
        assert played(block, folder) == block


def test_what_is_not_there_yet_is_named_by_the_help_the_readme_and_the_changelog():
    assert "Not there yet" in NOT_YET
    assert "## Not there yet" in README
    assert "### Not there yet" in CHANGELOG


def columns() -> list[tuple[str, str]]:
    """Return every (table, column) of the built-in tables."""
    listed = []
    for path in sorted(MAPPINGS.rglob("*.csv")):
        header = path.read_text(encoding="utf-8-sig").splitlines()[0]
        folder = path.parent.relative_to(MAPPINGS).as_posix()
        alike = folder in {"codes", "resources", "types"}
        table = folder + "/" if alike else path.relative_to(MAPPINGS).as_posix()
        listed += [(table, column) for column in header.split(",")]
    return sorted(set(listed))


@pytest.mark.parametrize(("table", "column"), columns())
def test_every_column_of_a_table_is_explained(table, column):
    text = (MAPPINGS / "README.md").read_text(encoding="utf-8")
    assert f"`{column}`" in text, f"the column {column!r} of {table} stands nowhere"


def test_every_dependency_has_its_reason():
    setup = (PROJECT / "setup.cfg").read_text(encoding="utf-8")
    named = set(re.findall(r"^    ([A-Za-z][\w.-]*)>=", setup, re.MULTILINE))
    unsaid = {n for n in named if n not in CONTRIBUTING and not n.startswith("types-")}
    assert unsaid - {"lxml-stubs"} == set()


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_link_to_a_file_leads_to_one(name):
    text = (PROJECT / name).read_text(encoding="utf-8")
    gone = [link for link in LINK.findall(text) if not (PROJECT / link).exists()]
    assert gone == []
