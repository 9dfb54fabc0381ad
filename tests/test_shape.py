"""The shape of the code: who imports whom, how long things are, what no module names."""

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "fhirconv"
MODULES = sorted(PACKAGE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}

GROUND = {"errors", "version"}  # which everything may import
STAGES = {
    "readers",
    "extractors",
    "build",
    "bundle",
    "validate",
    "server",
}  # only convert knows all
MAY_IMPORT = {
    # part: the parts that it may import beside its own and the ground
    "__init__": "convert server validate",
    "__main__": "cli",
    "cli": "address bulk comparison connection convert difference explain exporters files findings "
    "foresight gather guides http importers inspection intake lines loader outcome packs pool "
    "profiles records release remove report restore server serving settings split stream tables "
    "tables_check unmapped upload validate view",
    "loader": "address bundle capability exact files findings foresight http importers inquiry "
    "inspection lines outcome own_ids references server split stepwise upload validate",
    "gather": "address outcome references server",
    "restore": "bundle identity tables",
    "remove": "gather http outcome references server upload",
    "inspection": "files findings guides lines outcome pool release tables validate",
    "guides": "files outcome tables validate",
    "findings": "outcome tables",
    "view": "build case convert errors explain files outcome report stream tables terms unmapped",
    "explain": "convert extractors tables",
    "difference": "tables",
    "exporters": "sheets tables",
    "unmapped": "build case convert explain plan tables terms",
    "convert": "build bundle calls case exact extractors facts importers ledger lines outcome "
    "readers records report tables validate",
    "readers": "report tables",  # words of sections and labels of citations stand in tables
    "extractors": "facts report tables",
    "importers": "facts outcome report tables terms validate",  # JSON is read as validation does
    "build": "case derive fill identity outcome plan program tables",
    "program": "case compiler fill plan tables",
    "compiler": "datatypes fill plan tables",
    "fill": "case outcome plan tables",
    "derive": "case",
    "tables_check": "build case derive importers outcome plan sheets tables terms validate view",
    "plan": "case datatypes tables",
    "datatypes": "case tables",
    "ledger": "build outcome",
    "case": "facts times",
    "times": "",
    "records": "files lines",
    "lines": "files",
    "answers": "cache",
    "terminology": "answers http outcome server tables terms validate",
    "assisted": "build case convert outcome tables terminology terms unmapped",
    "pool": "",
    "bulk": "bundle files outcome references",
    "serving": "files",
    "intake": "address bulk http outcome server serving upload",
    "stream": "assisted bulk convert files ledger lines outcome records report tables",
    "validate": "calls fhirpath outcome tables terms vocabulary",
    "fhirpath": "",
    "bundle": "identity",
    "identity": "",
    "exact": "",
    "server": "http outcome release tables upload",
    "upload": "outcome",
    "split": "bundle outcome references",
    "stepwise": "capability http inquiry references server upload",
    "own_ids": "capability comparison inquiry outcome references tables upload",
    "foresight": "comparison inquiry references upload",
    "inquiry": "http server upload",
    "comparison": "bundle references",
    "capability": "outcome references",
    "references": "",
    "release": "tables",
    "connection": "access credentials http oauth outcome secret settings",
    "settings": "address headers profiles secret",
    "profiles": "address headers secret",
    "headers": "secret",
    "oauth": "address credentials http secret",
    "http": "access address credentials secret wire",
    "wire": "access",
    "access": "credentials secret",
    "credentials": "address secret",
    "secret": "",
    "address": "",
    "packs": "files outcome sheets tables terms validate",
    "tables": "cache outcome sheets vocabulary",
    "vocabulary": "sheets terms",
    "cache": "",
    "sheets": "outcome terms",
    "terms": "",
    "facts": "schema",
    "schema": "",
    "files": "archives",
    "archives": "",
    "report": "",
    "outcome": "",
    "calls": "",
    "errors": "",
    "version": "",
}
ONLY_IN = {
    # package: the parts that may import it
    "click": {"cli"},
    "rich": {"cli"},
    "requests": {"http", "wire"},
    "tenacity": {"http"},
    "jwt": {"oauth"},
    "cryptography": {"oauth"},
    "keyring": {"secret"},
    "jsonschema": {"facts"},
    "lxml": {"packs", "readers", "validate"},
    "numpy": {"extractors"},
    "pypdfium2": {"readers"},
    "jinja2": {"view"},
    "markupsafe": {"view"},
}
HEAVY = {
    "requests",
    "tenacity",
    "jwt",
    "cryptography",
    "keyring",
    "jsonschema",
    "fhir",
    "lxml",
    "rich",
    "pydantic",
    "numpy",
    "pycrfsuite",
    "pypdfium2",
    "spacy",
    "yaml",
    "jinja2",
}
VAGUE = {"utils", "util", "common", "helpers", "helper", "core", "base", "manager", "misc", "tools"}

LONGEST_FUNCTION, LONGEST_MODULE, MEDIANS = 45, 400, range(1, 14)
RELEASE = re.compile(r"\b(DSTU2|STU3|R[2-6]B?)\b|\b[345]\.\d\.\d\b")
URI = re.compile(r"https?://[a-z0-9-]+\.[a-z]|urn:oid:[0-9]")
CODE = re.compile(r"\b(SCT|ICD10CM|RXN|NCIT|HP|MONDO|MAXO|MSH|LNC|UCUM):\w")
W3C = "http://www.w3.org/"  # namespaces of XML: no code systems, no extensions


def part(path: Path) -> str:
    """Return the part of the shape that a module belongs to: its name, or its package's."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(PACKAGE.parent).as_posix()}:{getattr(node, 'lineno', 1)}"


def imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Yield every import as (node, dotted name), those inside functions and for types too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module == "fhirconv":
            for alias in node.names:
                yield node, f"fhirconv.{alias.name}"
        elif isinstance(node, ast.ImportFrom):
            yield node, node.module or ""


def functions() -> Iterator[tuple[Path, ast.FunctionDef]]:
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                yield path, node


def length(node: ast.FunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def docstrings(tree: ast.AST) -> set[int]:
    """Return the ids of the nodes that are docstrings."""
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef)
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, owners) and node.body and isinstance(node.body[0], ast.Expr)
    }


def words(path: Path) -> Iterator[tuple[ast.Constant, str]]:
    """Yield every string of a module that is no docstring."""
    tree = TREES[path]
    prose = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node, node.value


def test_every_part_says_what_it_may_import():
    assert {part(path) for path in MODULES} <= set(MAY_IMPORT)


def test_imports_point_down():
    wrong = []
    for path, tree in TREES.items():
        own = part(path)
        allowed = {own, *GROUND, *MAY_IMPORT[own].split()}
        for node, name in imports(tree):
            if name.startswith("fhirconv.") and name.split(".")[1] not in allowed:
                wrong.append(f"{place(path, node)} imports {name}")
    assert wrong == []


def test_the_parts_form_no_circle():
    graph = {name: listed.split() for name, listed in MAY_IMPORT.items()}
    order = list(TopologicalSorter(graph).static_order())
    assert (
        order.index("tables") < order.index("build") < order.index("convert") < order.index("cli")
    )


def test_stages_never_import_each_other():
    for stage in STAGES:
        assert not (STAGES - {stage}) & set(MAY_IMPORT[stage].split()), stage


@pytest.mark.parametrize("package", ONLY_IN)
def test_a_package_is_imported_in_one_place(package):
    wrong = [
        place(path, node)
        for path, tree in TREES.items()
        for node, name in imports(tree)
        if name.split(".")[0] == package and part(path) not in ONLY_IN[package]
    ]
    assert wrong == []


def test_heavy_packages_are_imported_where_they_are_used_and_not_at_the_top():
    wrong = []
    for path, tree in TREES.items():
        for node in tree.body:
            for found, name in (
                imports(node) if isinstance(node, ast.Import | ast.ImportFrom) else ()
            ):
                if name.split(".")[0] in HEAVY:
                    wrong.append(f"{place(path, found)} imports {name}")
    assert wrong == []


def test_the_help_loads_nothing_heavy():
    script = (
        "import sys\n"
        "from fhirconv.cli import main\n"
        "try:\n    main(['convert', '--help'])\n"
        "except SystemExit:\n    print(sorted({name.split('.')[0] for name in sys.modules}))\n"
    )
    run = [sys.executable, "-c", script]
    done = subprocess.run(run, capture_output=True, text=True, check=True, encoding="utf-8")
    loaded = set(ast.literal_eval(done.stdout.splitlines()[-1]))
    assert loaded & (HEAVY | {"orjson", "asyncio", "multiprocessing"}) == set()


def test_only_the_command_line_prints_and_exits():
    wrong = []
    for path, tree in TREES.items():
        for node in ast.walk(tree) if part(path) not in {"cli", "__main__"} else ():
            called = node.func if isinstance(node, ast.Call) else None
            name = ast.unparse(called) if called else ""
            if name in {"print", "exit", "quit", "sys.exit", "os._exit", "input"}:
                wrong.append(f"{place(path, node)} calls {name}")
    assert wrong == []


def test_no_bare_exception_is_caught_or_raised():
    wrong = []
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            caught = isinstance(node, ast.ExceptHandler) and (
                node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"}
            )
            raised = isinstance(node, ast.Raise) and node.exc is not None
            if caught or (raised and ast.unparse(node.exc).startswith("Exception")):
                wrong.append(place(path, node))
    assert wrong == []


@pytest.mark.parametrize(
    ("pattern", "what"), [(RELEASE, "a release"), (CODE, "a code"), (URI, "a URI")]
)
def test_no_module_names_what_belongs_in_a_table(pattern, what):
    wrong = [
        f"{place(path, node)} names {what}: {text!r}"
        for path in MODULES
        if part(path) != "version"
        for node, text in words(path)
        if pattern.search(text.replace(W3C, ""))
    ]
    assert wrong == []


def test_no_module_is_a_drawer():
    names = {step for path in MODULES for step in path.relative_to(PACKAGE).with_suffix("").parts}
    assert names & VAGUE == set()


def test_no_module_is_long():
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE} == {}


def test_no_function_is_long():
    wrong = [
        f"{place(path, node)} {node.name} has {length(node)} lines"
        for path, node in functions()
        if length(node) > LONGEST_FUNCTION
    ]
    assert wrong == []


def test_functions_are_short():
    assert statistics.median(length(node) for _, node in functions()) in MEDIANS


def test_every_module_begins_with_its_sentence():
    wrong = []
    for path, tree in TREES.items():
        first = (ast.get_docstring(tree) or "").split("\n\n")[0]
        if path.stat().st_size and not (first[:1].isalnum() and first.endswith(".")):
            wrong.append(place(path, tree))
    assert wrong == []


def test_every_public_name_says_what_it_is():
    wrong = []
    inner = {id(n) for _, f in functions() for n in ast.walk(f) if n is not f}
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            named = isinstance(node, ast.ClassDef | ast.FunctionDef) and id(node) not in inner
            if named and not node.name.startswith("_") and not ast.get_docstring(node):
                wrong.append(f"{place(path, node)} {node.name}")
    assert wrong == []


def test_files_are_opened_with_a_stated_encoding():
    wrong = []
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            text = name.endswith((".read_text", ".write_text")) or (
                name in {"open", "path.open"} and not any("b" in ast.unparse(a) for a in node.args)
            )
            if text and not any(keyword.arg == "encoding" for keyword in node.keywords):
                wrong.append(f"{place(path, node)} {name}")
    assert wrong == []
