"""The vocabularies: words lead to sound codes with their own displays, nothing unlicensed."""

import csv
import gzip
from collections import Counter
from pathlib import Path

import pytest

from fhirconv.tables import MAPPINGS, Tables, built_in
from fhirconv.terms import term_key
from fhirconv.validate.codes import code_problem

Row = dict[str, str]
Terminology = dict[str, dict[str, list[str]]]  # system -> code -> its display and other names

CASES = Path(__file__).parent / "cases"
CODES = sorted(path.stem for path in (MAPPINGS / "codes").glob("*.csv"))
CLINICAL = (
    *("body-sites", "cells", "conditions", "findings", "frequencies", "grades", "imaging", "labs"),
    *("medications", "methods", "organisms", "outcomes", "procedures", "products", "qualifiers"),
    *("relationships", "routes", "severities", "units"),
)
SIBLINGS = (  # what one word of a report may not be at the same time
    ("conditions", "findings", "imaging"),
    ("procedures", "methods"),
    ("medications", "products"),
)
TERMINOLOGIES = {  # prefix in our tables -> system in the list of terms
    **{name: name for name in ("SCT", "ICD10CM", "NCIT", "HP", "MONDO", "MAXO", "CL", "UBERON")},
    **{"RXN": "RXNORM", "MSH": "MESH", "LNC": "LOINC", "UCUM": "UCUM", "DRUGBANK": "DRUGBANK"},
}
PUBLISHED = ("SCT:385669000", "SCT:385670004", "SCT:385671000")  # FHIR's procedure-outcome
FREE_NAMES = ("LOINC", "UCUM")  # systems whose displays have long, short and printed forms
BARRED = ("icd-10|", "icd-o", "atc", "meddra", "hemonc", "icd11")  # no licence to pass them on


def rows(vocabulary: str) -> list[Row]:
    with (MAPPINGS / "codes" / f"{vocabulary}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def cases(name: str) -> list[tuple[str, ...]]:
    with (CASES / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return [tuple(row.values()) for row in csv.DictReader(lines)]


@pytest.fixture(scope="module")
def terminology(shared: Path) -> Terminology:
    """Every concept of the shared list of terms."""
    found: Terminology = {}
    with gzip.open(shared / "terms" / "terms.tsv.gz", "rt", encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            system, code, display, synonyms = line.rstrip("\n").split("\t")
            found.setdefault(system, {})[code] = [display, *filter(None, synonyms.split("|"))]
    return found


@pytest.fixture(scope="module")
def tables() -> Tables:
    return built_in()


def test_every_vocabulary_that_the_tests_know_is_there() -> None:
    assert set(CLINICAL) <= set(CODES)


@pytest.mark.parametrize(("vocabulary", "words", "code", "match"), cases("vocabulary_lookups"))
def test_words_lead_to_their_code(
    tables: Tables, vocabulary: str, words: str, code: str, match: str
) -> None:
    listed = tables.vocabulary(vocabulary).lookup(words, tables.default_release)
    assert (code, match) in [(f"{c.prefix}:{c.code}", c.match) for c in listed]


@pytest.mark.parametrize(("vocabulary", "words", "why"), cases("vocabulary_gaps"))
def test_words_without_a_code_are_known_and_have_none(
    tables: Tables, vocabulary: str, words: str, why: str
) -> None:
    term = tables.vocabulary(vocabulary).find(words)
    assert term is not None
    assert term.codings == (), why


@pytest.mark.parametrize("vocabulary", CODES)
def test_every_code_is_well_formed_for_its_system(tables: Tables, vocabulary: str) -> None:
    wrong = [
        f"{coding.origin}: the code {coding.code!r} {problem}"
        for term in tables.vocabulary(vocabulary).terms.values()
        for coding in term.codings
        if coding.prefix  # else a phrase: words without a code
        and (problem := code_problem(tables.systems[coding.prefix].check, coding.code))
    ]
    assert wrong == []


@pytest.mark.parametrize("vocabulary", CODES)
def test_no_term_has_the_same_code_twice(vocabulary: str) -> None:
    listed = [(term_key(r["term"]), r["code"], r["releases"]) for r in rows(vocabulary)]
    assert [item for item, times in Counter(listed).items() if times > 1] == []


@pytest.mark.parametrize("vocabulary", CLINICAL)
def test_a_term_has_one_code_of_a_system_at_most(vocabulary: str) -> None:
    listed = Counter(
        (term_key(r["term"]), r["code"].partition(":")[0]) for r in rows(vocabulary) if r["code"]
    )
    assert [item for item, times in listed.items() if times > 1] == []


@pytest.mark.parametrize("vocabulary", CODES)
def test_a_synonym_names_a_term_that_is_no_synonym(vocabulary: str) -> None:
    synonyms = {term_key(r["term"]) for r in rows(vocabulary) if r["same_as"]}
    preferred = {term_key(r["term"]) for r in rows(vocabulary)} - synonyms
    astray = [
        r["term"] for r in rows(vocabulary) if term_key(r["same_as"] or r["term"]) in synonyms
    ]
    unknown = [
        r["term"]
        for r in rows(vocabulary)
        if r["same_as"] and term_key(r["same_as"]) not in preferred
    ]
    assert (astray, unknown) == ([], [])


@pytest.mark.parametrize("vocabulary", CLINICAL)
def test_a_row_is_a_code_a_synonym_or_a_reason(vocabulary: str) -> None:
    neither = [
        r["term"]
        for r in rows(vocabulary)
        if not (r["code"] and r["display"] and r["match"] in ("exact", "close", "broad"))
        and not (r["same_as"] and not r["code"] + r["display"] + r["match"])
        and not (r["note"] and not r["code"] + r["display"])
    ]
    assert neither == []


@pytest.mark.parametrize("vocabulary", CLINICAL)
def test_the_rows_stand_sorted_by_their_preferred_terms(vocabulary: str) -> None:
    listed = [(r["same_as"] or r["term"]).casefold() for r in rows(vocabulary)]
    assert listed == sorted(listed)


@pytest.mark.parametrize("group", SIBLINGS, ids=" and ".join)
def test_a_word_stands_in_one_of_the_tables_of_its_kind(group: tuple[str, ...]) -> None:
    homes: dict[str, set[str]] = {}
    for vocabulary in group:
        for row in rows(vocabulary):
            homes.setdefault(term_key(row["term"]), set()).add(vocabulary)
    assert {word: tables for word, tables in homes.items() if len(tables) > 1} == {}


def test_no_system_is_one_that_may_not_be_passed_on(tables: Tables) -> None:
    used = {row["code"].partition(":")[0] for name in CODES for row in rows(name)} - {""}
    uris = {prefix: f"{tables.systems[prefix].uri.lower()}|" for prefix in used}
    assert {p: u for p, u in uris.items() if any(word in u for word in BARRED)} == {}


@pytest.mark.parametrize("vocabulary", CODES)
def test_every_code_and_display_is_that_of_its_terminology(
    terminology: Terminology, vocabulary: str
) -> None:
    astray = []
    for row in rows(vocabulary):
        prefix, _, code = row["code"].partition(":")
        system = TERMINOLOGIES.get(prefix, "")
        if not system or row["code"] in PUBLISHED or code.startswith("LA"):  # LA: an answer
            continue
        names = terminology[system].get(code, [])
        allowed = [*names, code] if system in FREE_NAMES else names[:1]
        if row["display"] not in allowed:
            astray.append((row["term"], row["code"], row["display"], names[:1]))
    assert astray == []


def test_the_vocabularies_hold_what_a_first_reader_needs() -> None:
    coded = {(name, term_key(r["term"])) for name in CLINICAL for r in rows(name) if r["code"]}
    assert len(coded) >= 1500


with (MAPPINGS / "validate" / "vital_signs.csv").open(encoding="utf-8", newline="") as file:
    VITAL_SIGNS = {  # HL7's validator holds an Observation with one of these to its profile
        f"{prefix}:{code}"
        for row in csv.DictReader(file)
        for prefix, codes in (("LNC", row["loinc"]), ("SCT", row["snomed"]))
        for code in codes.split()
    }


def test_no_code_asks_for_a_profile_that_a_report_cannot_keep() -> None:
    """A vital sign has a category, a unit of few and a day: 'BP was low in May' has not."""
    given = {row["code"] for vocabulary in CODES for row in rows(vocabulary)}
    assert given & VITAL_SIGNS == set()


Given = dict[str, dict[str, str]]  # words of a term -> prefix -> code, in all vocabularies


@pytest.fixture(scope="module")
def given(tables: Tables) -> Given:
    """What the vocabularies give for each of their terms."""
    found: Given = {}
    for vocabulary in tables.codes.values():
        for key, term in vocabulary.terms.items():
            codes = {coding.prefix: coding.code for coding in term.codings if coding.prefix}
            found[key] = codes | found.get(key, {})
    return found


def test_every_code_of_the_design_is_given_or_left_out_for_a_reason(
    shared: Path, tables: Tables, terminology: Terminology, given: Given
) -> None:
    """A reason that can be checked (column holds) is: that a licence is wanting, for example."""
    prefixes = {system.uri: prefix for prefix, system in tables.systems.items()}
    ours = {pair for codes in given.values() for pair in codes.items()}
    reasons = cases("vocabulary_left_out")
    unexplained, used = [], set()
    with (shared / "design" / "codes.tsv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            prefix = prefixes.get(row["system"], "")
            if not row["code"] or (prefix, row["code"]) in ours:
                continue
            why = next((r for r in reasons if _left_out(row, prefix, r, terminology, given)), None)
            used.add(why)
            if why is None:
                unexplained.append((row["category"], row["term"], row["system"], row["code"]))
    assert (unexplained, [reason for reason in reasons if reason not in used]) == ([], [])


def _left_out(
    row: Row, prefix: str, reason: tuple[str, ...], terminology: Terminology, given: Given
) -> bool:
    """Say whether a reason for leaving a code out is one for this row, and holds."""
    category, system, code, holds, _ = reason
    said = ((category, row["category"]), (system, row["system"]), (code, row["code"]))
    if any(asked and asked != has for asked, has in said):
        return False
    codes = given.get(term_key(row["term"].partition(" (")[0]), {})
    checked = {
        "": True,
        "unlicensed": row["code"] not in terminology[TERMINOLOGIES.get(prefix, "SCT")],
        "elsewhere": bool(set(codes) - {prefix}),
        "narrower": row["note"].startswith("narrow"),
        "another": prefix in codes,
        "vital": f"{prefix}:{row['code']}" in VITAL_SIGNS,
    }
    return checked[holds]
