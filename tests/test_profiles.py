"""Implementation guides: packages are read safely, and what a profile asks for is held."""

import io
import json
import os
import tarfile
from copy import deepcopy
from csv import DictReader
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fhirconv.cli import main
from fhirconv.errors import ReadError, UsageError
from fhirconv.guides.library import Library
from fhirconv.guides.package import load_package
from fhirconv.outcome import Issue
from fhirconv.validate import validate

Resource = dict[str, Any]

G = "http://guide.test/guide/StructureDefinition/"
HL7 = "http://hl7.org/fhir/StructureDefinition/"
KINDS = "http://guide.test/guide/CodeSystem/kinds"
LAB = {"coding": [{"system": "http://guide.test/category", "code": "lab"}]}


def coded(code: str, system: str = KINDS) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def profile(name: str, type_: str, *elements: Resource, base: str = "", **more: Any) -> Resource:
    """Return a profile that has its differential only."""
    return {
        "resourceType": "StructureDefinition",
        "url": G + name,
        "name": name,
        "status": "draft",
        "kind": "resource",
        "abstract": False,
        "type": type_,
        "baseDefinition": base or HL7 + type_,
        "derivation": "constraint",
        "differential": {"element": [{"id": type_, "path": type_}, *elements]},
        **more,
    }


def element(key: str, **more: Any) -> Resource:
    """Return an element by its id: Observation.component:a.code."""
    path = ".".join(step.partition(":")[0] for step in key.split("."))
    name = key.rpartition(".")[2].partition(":")[2]
    return {"id": key, "path": path, **({"sliceName": name} if name else {}), **more}


def sliced(kind: str, path: str, rules: str = "open", **more: Any) -> Resource:
    by = [{"type": kind, "path": path}]
    return {"slicing": {"discriminator": by, "rules": rules, **more}}


def value_set(name: str, *includes: Resource) -> Resource:
    url = f"http://guide.test/guide/ValueSet/{name}"
    return {"resourceType": "ValueSet", "url": url, "compose": {"include": list(includes)}}


def bound(strength: str, name: str) -> Resource:
    url = f"http://guide.test/guide/ValueSet/{name}|1.0"
    return {"binding": {"strength": strength, "valueSet": url}}


def rule(key: str, expression: str, severity: str = "error") -> Resource:
    told = {
        "key": key,
        "severity": severity,
        "human": "As the guide says.",
        "expression": expression,
    }
    return {"constraint": [told]}


FLAG = profile(
    "flag",
    "Extension",
    element("Extension.url", fixedUri=G + "flag"),
    element("Extension.value[x]", min=1, type=[{"code": "boolean"}]),
    kind="complex-type",
    context=[{"type": "element", "expression": "Observation"}],
)
PERSON = profile("person", "Patient", element("Patient.name", min=1))
OTHER = profile("other", "Patient", element("Patient.photo", max="0"), base=G + "person")
PANEL = profile(
    "panel",
    "Observation",
    element("Observation.extension", **sliced("value", "url")),
    element(
        "Observation.extension:flag",
        max="1",
        min=1,
        type=[{"code": "Extension", "profile": [G + "flag"]}],
    ),
    element("Observation.identifier", **sliced("value", "system", "openAtEnd", ordered=True)),
    element("Observation.identifier:one", min=1, max="1"),
    element("Observation.identifier:one.system", min=1, fixedUri="http://guide.test/one"),
    element("Observation.identifier:two"),
    element("Observation.identifier:two.system", min=1, fixedUri="http://guide.test/two"),
    element("Observation.status", fixedCode="final"),
    element("Observation.category", **sliced("pattern", "$this")),
    element("Observation.category:lab", min=1, max="1", patternCodeableConcept=LAB),
    element("Observation.code", patternCodeableConcept=coded("panel")),
    element(
        "Observation.subject",
        min=1,
        type=[{"code": "Reference", "targetProfile": [G + "other"]}],
    ),
    element("Observation.performer", **sliced("type", "resolve()", "closed")),
    element(
        "Observation.performer:doctor",
        min=1,
        type=[{"code": "Reference", "targetProfile": [HL7 + "Practitioner"]}],
    ),
    element("Observation.value[x]", type=[{"code": "Quantity"}]),
    element("Observation.value[x].unit", min=1),
    element("Observation.method", **bound("required", "methods")),
    element("Observation.bodySite", **bound("extensible", "methods")),
    element("Observation.interpretation", **bound("required", "filtered")),
    element("Observation.note", max="0"),
    element("Observation.effective[x]", **rule("own-1", "$this is dateTime", "warning")),
    element(
        "Observation.component",
        **sliced("value", "code", "closed"),
        **rule("own-2", "value.exists() or code.coding.where(code = 'a').exists()"),
    ),
    element("Observation.component:a", min=1, max="1"),
    element("Observation.component:a.code", patternCodeableConcept=coded("a")),
    element("Observation.component:a.value[x]", min=1, type=[{"code": "string"}]),
    element("Observation.component:b"),
    element("Observation.component:b.code.coding.code", fixedCode="b", min=1),
    element("Observation.referenceRange", **sliced("exists", "low")),
    element("Observation.referenceRange:low", max="1"),
    element("Observation.referenceRange:low.low", min=1),
    element("Observation.referenceRange:high"),
    element("Observation.referenceRange:high.low", max="0"),
    element("Observation.referenceRange:high.text", min=1),
)
CHOICE = profile(
    "choice",
    "Observation",
    element("Observation.value[x]", **sliced("type", "$this", "closed")),
    element("Observation.value[x]:valueQuantity", type=[{"code": "Quantity"}]),
    element("Observation.value[x]:valueQuantity.unit", min=1),
    element("Observation.value[x]:valueQuantity.value", minValueDecimal=0, maxValueDecimal=100),
    element("Observation.value[x]:valueString", type=[{"code": "string"}], maxLength=5),
)
COLLECTION = profile(
    "collection",
    "Bundle",
    element("Bundle.entry", **sliced("profile", "resource")),
    element("Bundle.entry:person", min=1, max="1"),
    element("Bundle.entry:person.resource", type=[{"code": "Patient", "profile": [G + "person"]}]),
)
GUIDE: list[Resource] = [
    *(FLAG, PERSON, OTHER, PANEL, CHOICE, COLLECTION),
    {
        "resourceType": "CodeSystem",
        "url": KINDS,
        "content": "complete",
        "concept": [{"code": c} for c in ("panel", "a", "b", "m1", "m2")],
    },
    value_set("methods", {"system": KINDS, "concept": [{"code": "m1"}, {"code": "m2"}]}),
    value_set(
        "filtered",
        {
            "system": "http://guide.test/away",
            "filter": [{"property": "concept", "op": "is-a", "value": "x"}],
        },
    ),
]


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as made:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return path


def files_of(
    resources: list[Resource], name: str = "example.guide", **more: Any
) -> dict[str, bytes]:
    manifest = {"name": name, "version": "1.0.0", "fhirVersions": ["4.0.1"], **more}
    listed = {"package/package.json": json.dumps(manifest).encode()}
    for number, resource in enumerate(resources):
        file = f"package/{resource['resourceType']}-{number}.json"
        listed[file] = json.dumps(resource).encode()
    return listed


def folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return path


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The guide of this module, read from a .tgz."""
    home = tmp_path_factory.mktemp("guide")
    path = archive(home / "guide.tgz", files_of(GUIDE))
    return Library([str(path)], home)


TEXT = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">A</div>'}


def good() -> Resource:
    """Return a Bundle of an Observation that keeps the profile, and what it leads to."""
    observation = {
        "resourceType": "Observation",
        "id": "o",
        "meta": {"profile": [G + "panel"]},
        "text": TEXT,
        "extension": [{"url": G + "flag", "valueBoolean": True}],
        "identifier": [
            {"system": "http://guide.test/one", "value": "1"},
            {"system": "http://guide.test/two", "value": "2"},
            {"system": "http://guide.test/three", "value": "3"},
        ],
        "status": "final",
        "category": [{"text": "any"}, LAB],
        "code": {**coded("panel"), "text": "more"},
        "subject": {"reference": "Patient/p"},
        "performer": [{"reference": "Practitioner/d"}],
        "valueQuantity": {"value": 1, "unit": "mg"},
        "method": coded("m1"),
        "bodySite": coded("m2"),
        "component": [
            {"code": coded("b"), "valueInteger": 1},
            {"code": coded("a"), "valueString": "x"},
        ],
        "referenceRange": [{"low": {"value": 1}}, {"high": {"value": 2}, "text": "upper"}],
    }
    patient = {"resourceType": "Patient", "id": "p", "text": TEXT, "name": [{"text": "A"}]}
    doctor = {"resourceType": "Practitioner", "id": "d", "text": TEXT}
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"fullUrl": f"http://guide.test/{r['resourceType']}/{r['id']}", "resource": r}
            for r in (observation, patient, doctor)
        ],
    }


def speaking(bundle: Resource, guide: Library, *profiles: str) -> list[Issue]:
    """Return the issues that profiles make."""
    found = validate(bundle, "R4", packages=guide.packages, profiles=profiles)
    return [i for i in found if "profile" in i.message]


def test_a_resource_that_keeps_its_profile_has_no_issue(guide: Library) -> None:
    assert list(validate(good(), "R4", packages=guide.packages)) == []


def set_at(value: Any, path: str, new: Any) -> None:
    """Set what stands at a path a/0/b; ABSENT takes it away."""
    *above, last = [int(step) if step.lstrip("-").isdigit() else step for step in path.split("/")]
    for step in above:
        value = value[step]
    if new is ABSENT:
        del value[last]
    elif isinstance(value, list) and last == len(value):
        value.append(new)
    else:
        value[last] = new


ABSENT = object()
FIRST = "Bundle.entry[0].resource"
FLAGGED = {"url": G + "flag", "valueBoolean": True}
AWAY = coded("q", "http://guide.test/away")
SECOND_A = {"code": coded("a"), "valueString": "2"}
BROKEN: list[tuple[str, Any, str, str, str]] = [
    # where it is broken, by what, severity, place, words of the message
    ("status", "amended", "error", ".status", "status is 'amended', it must be 'final'"),
    ("note", [{"text": "x"}], "error", ".note[0]", "note must not be there"),
    ("code", coded("a"), "error", ".code", "it must hold {"),
    ("code", {"text": "panel"}, "error", ".code", "it must hold {"),
    ("subject", ABSENT, "error", "", "subject needs a value, found none"),
    ("subject", {"reference": "Group/g"}, "error", ".subject", "must lead to Patient"),
    ("extension", ABSENT, "error", "", "extension:flag needs a value, found none"),
    ("extension/1", FLAGGED, "error", ".extension", "extension:flag has 2 values, at most 1"),
    ("category/1", {"text": "y"}, "error", "", "category:lab needs a value, found none"),
    ("category/2", LAB, "error", ".category", "category:lab has 2 values, at most 1 are right"),
    ("identifier/0", ABSENT, "error", "", "identifier:one needs a value, found none"),
    (
        "identifier/3",
        {"system": "http://guide.test/two", "value": "4"},
        "error",
        ".identifier[2]",
        "stands before the end, in none of the slices one, two",
    ),
    ("performer/1", {"reference": "Patient/p"}, "error", ".performer[1]", "none of the slices"),
    ("valueQuantity/unit", ABSENT, "error", ".value.ofType(Quantity)", "unit needs a value"),
    ("method", coded("a"), "error", ".method", "a code of methods, found 'a' (known: m1, m2)"),
    ("method", {"text": "by hand"}, "error", ".method", "must have a code of methods"),
    ("bodySite", coded("a"), "warning", ".bodySite", "should have a code of methods"),
    (
        "interpretation",
        [coded("q", "http://guide.test/away")],
        "information",
        ".interpretation[0]",
        "where concept is-a x",
    ),
    ("component/1", ABSENT, "error", "", "component:a needs a value, found none"),
    ("component/1/valueString", ABSENT, "error", ".component[1]", "value needs a value"),
    (
        "component/2",
        {"code": coded("m1"), "valueInteger": 1},
        "error",
        ".component[2]",
        "stands in none",
    ),
    (
        "component/2",
        {"code": coded("a"), "valueString": "2"},
        "error",
        ".component",
        "at most 1 are",
    ),
    ("referenceRange/1/text", ABSENT, "error", ".referenceRange[1]", "text needs a value"),
    ("referenceRange/1/low", {"value": 1}, "error", ".referenceRange", "referenceRange:low has 2"),
    (
        "effectivePeriod",
        {"start": "2020"},
        "warning",
        ".effective.ofType(Period)",
        "As the guide says (own-1)",
    ),
    ("component/2", {"code": coded("b")}, "error", ".component[2]", "As the guide says (own-2)"),
    ("meta/profile/1", G + "nothing", "warning", ".meta.profile[1]", "is not at hand"),
    ("meta/profile/1", G + "person", "error", ".meta.profile[1]", "is for Patient, not for Obs"),
]


@pytest.mark.parametrize(("path", "new", "severity", "where", "words"), BROKEN)
def test_what_breaks_a_profile_is_one_issue_at_its_place(
    path: str, new: Any, severity: str, where: str, words: str, guide: Library
) -> None:
    bundle = good()
    set_at(bundle["entry"][0]["resource"], path, new if new is ABSENT else deepcopy(new))
    found = speaking(bundle, guide)
    assert [issue.severity for issue in found] == [severity], found
    assert words in found[0].message
    assert found[0].where == FIRST + where


def test_a_value_of_another_type_than_the_profile_allows_is_told(guide: Library) -> None:
    bundle = good()
    del bundle["entry"][0]["resource"]["valueQuantity"]
    bundle["entry"][0]["resource"]["valueString"] = "x"
    (issue,) = speaking(bundle, guide)
    assert issue.where == f"{FIRST}.value.ofType(string)"
    assert "value is a string, it must be Quantity" in issue.message


def test_slices_in_order_must_come_in_order(guide: Library) -> None:
    bundle = good()
    listed = bundle["entry"][0]["resource"]["identifier"]
    listed[0], listed[1] = listed[1], listed[0]
    (issue,) = speaking(bundle, guide)
    assert issue.where == f"{FIRST}.identifier[1]"
    assert "identifier of the slice one stands too late: one, two" in issue.message


def test_what_a_reference_leads_to_in_the_bundle_keeps_the_profile(guide: Library) -> None:
    bundle = good()
    del bundle["entry"][1]["resource"]["name"]  # the base of the profile asks for it
    (issue,) = speaking(bundle, guide)
    assert issue.where == f"{FIRST}.subject"
    assert "'Patient/p', which does not keep other" in issue.message


def test_a_choice_is_sliced_by_its_type(guide: Library) -> None:
    url = G + "choice"
    base: Resource = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    for name, value, place, words in (
        ("valueQuantity", {"value": 1, "unit": "mg"}, "", ""),
        ("valueQuantity", {"value": 1}, ".value.ofType(Quantity)", "unit needs a value"),
        ("valueQuantity", {"value": -1, "unit": "mg"}, ".value.ofType(Quantity).value", "least 0"),
        (
            "valueQuantity",
            {"value": 101, "unit": "mg"},
            ".value.ofType(Quantity).value",
            "most 100",
        ),
        ("valueString", "abcdef", ".value.ofType(string)", "6 characters, at most 5"),
        ("valueInteger", 1, ".value.ofType(integer)", "stands in none of the slices"),
    ):
        found = speaking({**base, name: value}, guide, url)
        assert [i.where for i in found] == ([f"Observation{place}"] if words else []), found
        assert all(words in i.message for i in found)


def test_entries_are_sliced_by_the_profile_of_their_resource(guide: Library) -> None:
    url = G + "collection"
    assert speaking(good(), guide, url) == []
    bundle = good()
    bundle["entry"][0]["resource"]["meta"] = {}
    del bundle["entry"][1]["resource"]["name"]
    (issue,) = speaking(bundle, guide, url)
    assert issue.where == "Bundle.entry[1].resource"  # why no entry is of the slice
    assert "name needs a value, found none (profile person)" in issue.message
    del bundle["entry"][1]
    (issue,) = speaking(bundle, guide, url)
    assert issue.where == "Bundle"
    assert "entry:person needs a value, found none (profile collection)" in issue.message


def test_a_profile_that_is_asked_for_holds_every_resource_of_its_type(guide: Library) -> None:
    bundle = good()
    bundle["entry"][0]["resource"]["meta"] = {}
    assert speaking(bundle, guide) == []
    del bundle["entry"][1]["resource"]["name"]
    (issue,) = speaking(bundle, guide, G + "person|1.0")
    assert issue.where == "Bundle.entry[1].resource"


def test_an_unknown_profile_names_the_nearest(guide: Library) -> None:
    with pytest.raises(UsageError, match=r"no profile has the URL '.*/persn' \(nearest: .*person"):
        list(validate(good(), "R4", packages=guide.packages, profiles=[G + "persn"]))


def test_resources_that_lead_in_a_circle_end() -> None:
    circle = profile(
        "circle",
        "Patient",
        element(
            "Patient.link.other",
            type=[{"code": "Reference", "targetProfile": [G + "circle"]}],
        ),
    )
    package = load_package_of([circle])
    patients = [
        {
            "resourceType": "Patient",
            "id": str(n),
            "meta": {"profile": [G + "circle"]},
            "link": [{"other": {"reference": f"Patient/{(n + 1) % 30}"}, "type": "seealso"}],
        }
        for n in range(30)
    ]
    entries = [{"fullUrl": f"http://a.b/Patient/{p['id']}", "resource": p} for p in patients]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    assert not any(i.is_error for i in validate(bundle, "R4", packages=[package]))


def load_package_of(resources: list[Resource]) -> Any:
    from fhirconv.guides.package import Package

    made = Package("example", "1", {}, "here")
    for resource in resources:
        made.add(resource)
    return made


def test_a_profile_on_itself_ends() -> None:
    looped = profile("loop", "Patient", base=G + "loop")
    patient = {"resourceType": "Patient", "meta": {"profile": [G + "loop"]}, "text": TEXT}
    assert list(validate(patient, "R4", packages=[load_package_of([looped])])) == []


# --- packages -----------------------------------------------------------------------------------


def test_a_package_is_the_same_as_a_folder_a_cache_and_a_file(tmp_path: Path) -> None:
    files = files_of(GUIDE)
    flat = {name.partition("/")[2]: data for name, data in files.items()}
    places = [
        folder(tmp_path / "one", files),
        folder(tmp_path / "two", flat),
        archive(tmp_path / "three.tgz", files),
    ]
    loaded = [load_package(place) for place in places]
    assert {(p.name, p.version) for p in loaded} == {("example.guide", "1.0.0")}
    assert len({tuple(sorted(p.facts("StructureDefinition"))) for p in loaded}) == 1


def test_what_a_package_depends_on_is_found_beside_it_or_in_the_cache(tmp_path: Path) -> None:
    wanted = {"far.guide": "2.1.0", "near.guide": "1.0.0", "lost.guide": "3.0", "old.guide": "2.0"}
    asked = files_of([PANEL], dependencies={**wanted, "hl7.fhir.r4.core": "4.0.1"})
    home, beside = tmp_path / "home", tmp_path / "beside"
    folder(home / ".fhir" / "packages" / "far.guide#2.1.5", files_of([PERSON], "far.guide"))
    folder(beside / "old.guide#1.0", files_of([], "old.guide"))
    folder(beside / "asked", asked)
    archive(beside / "near.guide-1.0.0.tgz", files_of([OTHER], "near.guide"))
    library = Library([str(beside / "asked")], home)
    assert [p.name for p in library.packages] == ["example.guide", "far.guide", "near.guide"]
    assert [i.message.split(" depends on ")[1].split(",")[0] for i in library.issues] == [
        "lost.guide 3.0",
        "old.guide 2.0",
    ]


def test_a_package_of_the_cache_is_known_by_name(tmp_path: Path) -> None:
    folder(tmp_path / ".fhir" / "packages" / "a.b#1.0", files_of([PERSON], "a.b"))
    assert Library(["a.b#1.0"], tmp_path).packages[0].name == "a.b"
    with pytest.raises(UsageError, match=r"no package is at 'a.b#2.0'"):
        Library(["a.b#2.0"], tmp_path)


def hostile(path: Path) -> Path:
    """Make an archive with links, a device, names that lead out, and one good file."""
    with tarfile.open(path, "w:gz") as made:
        for name, kind in (
            ("package/StructureDefinition-link.json", tarfile.SYMTYPE),
            ("package/StructureDefinition-hard.json", tarfile.LNKTYPE),
            ("package/StructureDefinition-fifo.json", tarfile.FIFOTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            made.addfile(member)
        for name in ("../StructureDefinition-x.json", "/package/StructureDefinition-y.json"):
            member = tarfile.TarInfo(name)
            member.size = 2
            made.addfile(member, io.BytesIO(b"{}"))
        for name, data in files_of([PERSON]).items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return path


def test_links_devices_and_names_that_lead_out_are_passed_over(tmp_path: Path) -> None:
    package = load_package(hostile(tmp_path / "a.tgz"))
    assert list(package.facts("StructureDefinition")) == [G + "person"]
    assert [p.name for p in tmp_path.iterdir()] == ["a.tgz"]


NO_PACKAGE: list[tuple[str, dict[str, bytes], str]] = [
    ("no manifest", {"package/x.json": b"{}"}, "it has no package.json with a name"),
    ("a manifest that is none", {"package/package.json": b"[]"}, "no package.json with a name"),
    ("no JSON", {"package/package.json": b"{"}, "holds a file that is no JSON"),
    (
        "a definition that is no JSON",
        {**files_of([]), "package/ValueSet-a.json": b"x"},
        "holds a file that is no JSON",
    ),
]


@pytest.mark.parametrize(("name", "files", "words"), NO_PACKAGE)
def test_what_is_no_package_is_told(
    name: str, files: dict[str, bytes], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ReadError, match=words):
        load_package(archive(tmp_path / "a.tgz", files))


def test_a_file_that_is_no_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.tgz"
    path.write_bytes(b"no gzip")
    with pytest.raises(ReadError, match="the package cannot be read"):
        load_package(path)


def test_a_file_that_is_too_large_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fhirconv.guides import package

    monkeypatch.setattr(package, "LARGEST", 500)
    with pytest.raises(ReadError, match="the package is too large"):
        load_package(archive(tmp_path / "a.tgz", files_of(GUIDE)))


def test_the_command_takes_packages_and_profiles(tmp_path: Path) -> None:
    guide = archive(tmp_path / "guide.tgz", files_of(GUIDE, dependencies={"lost": "1.0"}))
    path = tmp_path / "patient.json"
    path.write_text(json.dumps({"resourceType": "Patient", "id": "a", "text": TEXT}))
    arguments = ["validate", str(path), "--package", str(guide), "--profile", G + "person"]
    for jobs in ("1", "2"):
        result = CliRunner().invoke(main, [*arguments, "--jobs", jobs])
        assert "name needs a value, found none (profile person)" in result.stdout
        assert "depends on lost 1.0, which is not at hand" in result.stderr
        assert result.exit_code == 1


# --- guides as HL7 publishes them ---------------------------------------------------------------

PACKAGES = Path(__file__).resolve().parents[1] / "build" / "packages"  # by `make packages`
PUBLISHED = (
    "hl7.fhir.us.mcode-4.0.0",
    "hl7.fhir.uv.ips-2.0.0",
    "hl7.fhir.uv.genomics-reporting-3.0.0",
)
SEEDED = Path(__file__).parent / "cases" / "profiles.csv"
# Examples in which HL7's validator, that has no terminology server here, finds no error and we do.
OURS = {"Observation-body-surface-area-example.json": "no UCUM unit"}


@pytest.fixture(scope="module")
def published() -> dict[str, Library]:
    """The guides of HL7 by name; skips where they have not been fetched."""
    missing = [name for name in PUBLISHED if not (PACKAGES / name).is_dir()]
    if missing:
        message = f"{missing[0]} is not in build/packages: make packages fetches it from npm"
        if os.environ.get("FHIRCONV_REQUIRE_PACKAGES") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return {name: Library([str(PACKAGES / name)], PACKAGES) for name in PUBLISHED}


def example(name: str, file: str) -> Resource:
    """Return an example of a published guide."""
    read: Resource = json.loads((PACKAGES / name / "package" / "example" / file).read_bytes())
    return read


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_examples_of_a_guide_keep_its_profiles(
    name: str, published: dict[str, Library]
) -> None:
    wrong: dict[str, list[str]] = {}
    for path in sorted((PACKAGES / name / "package" / "example").glob("*.json")):
        resource = example(name, path.name)
        if "resourceType" in resource:
            found = validate(resource, "R4", packages=published[name].packages)
            errors = [str(i) for i in found if i.is_error]
            if not all(OURS.get(path.name, "nothing") in e for e in errors):
                wrong[path.name] = errors
    assert wrong == {}


def seeded() -> list[Any]:
    """Return the seeded violations of published profiles."""
    with SEEDED.open(encoding="utf-8", newline="") as file:
        return [pytest.param(row, id=f"{row['example']} {row['at']}") for row in DictReader(file)]


@pytest.mark.parametrize("row", seeded())
def test_a_seeded_violation_is_found_at_its_place(
    row: dict[str, str], published: dict[str, Library]
) -> None:
    name = next(name for name in PUBLISHED if row["guide"] in name)
    resource = example(name, row["example"])
    set_at(resource, row["at"], json.loads(row["value"]) if row["value"] else ABSENT)
    issues = list(validate(resource, "R4", packages=published[name].packages))
    found = [(i.where, i.message) for i in issues if i.is_error]
    assert [where for where, _ in found] == [row["where"]], found
    assert row["message"] in found[0][1]
