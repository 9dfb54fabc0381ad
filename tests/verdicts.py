"""Facts are held against what a careful curator would have written down."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fhirconv.facts import Document

Fact = dict[str, Any]
Expectation = dict[str, Any]

ASSERTION = {
    "polarity": "present",
    "certainty": "certain",
    "temporality": "current",
    "scope": "patient",
}
FAMILY = {**ASSERTION, "temporality": "current|historical", "scope": "family"}
VERBS = frozenset(
    "never nothing only count relation no_relation "
    "citation statement sex age deceased patients".split()
)
ASIDE = frozenset({"words", "anchor", "patient", "why", "evidence"})  # not fields of a fact
STOP = frozenset(
    "a an the of in on with and or for to at by "
    "his her their patient patients was were is are from".split()
)
TEXTS = frozenset("text relationship method manipulation statusReason category label".split())
DASHES = re.compile("[\u2010\u2011\u2012\u2013\u2014\u2212]")


# --- what a fact says -------------------------------------------------------------------------


def plain(text: str) -> str:
    """Return the text with one kind of dash and apostrophe, in lower case."""
    return DASHES.sub("-", text).replace("\u2019", "'").casefold()


def content_words(text: str) -> set[str]:
    """Return the content words of a label, as the score counts them."""
    return {word for word in re.findall(r"[\w'-]+", plain(text)) if word not in STOP}


def alike(one: str, two: str) -> bool:
    """Say whether the Dice coefficient of the content words is at least one half."""
    left, right = content_words(one), content_words(two)
    return bool(left and right) and 2 * len(left & right) / (len(left) + len(right)) >= 0.5


def says(fact: Fact, words: str) -> bool:
    """Say whether one name of the fact holds all of these words; '|' parts alternatives."""
    return any(holds(name, words) for name in names_of(fact))


def holds(text: str, words: str) -> bool:
    """Say whether a text holds all of these words; '|' parts alternatives."""
    known = plain(text)
    return any(all(word in known for word in plain(each).split()) for each in words.split("|"))


def names_of(fact: Fact) -> list[str]:
    """Return the label of the fact and its other names."""
    return [fact["label"], *fact.get("alternativeLabels", ()), fact.get("agentText") or ""]


def affirmed(fact: Fact) -> bool:
    """Say whether the fact is told of the patient as something that was or is so."""
    claim = fact["assertion"]
    return (
        claim["polarity"] == "present"
        and claim["scope"] == "patient"
        and claim["temporality"] in ("current", "historical")
        and claim["certainty"] == "certain"
        and fact["kind"] != "family_history"
        and fact.get("verification") not in ("refuted", "differential", "provisional")
        and (fact.get("value") or {}).get("polarity") != "absent"
    )


def place_of(fact: Fact) -> Iterator[tuple[int, int]]:
    """Yield where the label stands word for word inside the evidence."""
    for evidence in fact["evidence"]:
        at = plain(evidence["text"]).find(plain(fact["label"]))
        if at >= 0 and "start" in evidence:
            yield evidence["start"] + at, evidence["start"] + at + len(fact["label"])


def places_in(text: str, words: str) -> Iterator[tuple[int, int]]:
    """Yield every place of a text that says these words."""
    pattern = r"\s+".join(map(re.escape, plain(words).split()))
    return (found.span() for found in re.finditer(pattern, plain(text)))


# --- a fact against an expectation ------------------------------------------------------------


def kind_of(expectation: Expectation) -> str:
    """Return the key that says what is expected: a kind of fact, or one of VERBS."""
    return next(iter(expectation))


def wanted_fields(expectation: Expectation) -> dict[str, Any]:
    """Return the fields a fact must have, the assertion spelled out."""
    usual = FAMILY if kind_of(expectation) == "family_history" else ASSERTION
    return _paths({**usual, **dict(list(expectation.items())[1:])})


def _paths(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        f"assertion.{name}" if name in ASSERTION else name: value
        for name, value in fields.items()
        if name not in ASIDE
    }


def named(fact: Fact, expectation: Expectation, text: str) -> bool:
    """Say whether a fact is of the kind, and about the thing, that is expected."""
    kinds, words = kind_of(expectation), expectation[kind_of(expectation)]
    if fact["kind"] not in kinds.split("|"):
        return False
    if not says(fact, expectation.get("words", "")):
        return False
    if any(alike(name, other) for name in names_of(fact) for other in words.split("|")):
        return True
    if any(content_words(other) <= content_words(fact["label"]) for other in words.split("|")):
        return True
    places = [p for other in words.split("|") for p in places_in(text, other)]
    return any(a < d and c < b for a, b in place_of(fact) for c, d in places)


def differences(fact: Fact, expectation: Expectation, document: Document) -> list[str]:
    """Return how a fact differs from what is expected of it, a phrase a field."""
    found = [
        f"{path} is {value_at(fact, path)!r}, not {value!r}"
        for path, value in wanted_fields(expectation).items()
        if not fits(_ids(value, document), value_at(fact, path), path)
    ]
    if "anchor" in expectation and not _anchored(fact, expectation["anchor"], document):
        found.append(f"time is {fact.get('time')!r}, not {expectation['anchor']!r}")
    owner = _patient_id(document, expectation.get("patient", 1))
    if fact["patient"] != owner:
        found.append(f"patient is {fact['patient']!r}, not {owner!r}")
    return found


def _ids(value: Any, document: Document) -> Any:
    """Return '@condition: leukemia' as the ids it may be; any other value as it is."""
    if isinstance(value, str) and value.startswith("@"):
        return [fact["id"] for fact in at_end(document, value[1:])]
    return value


def value_at(item: Any, path: str) -> Any:
    """Return the value at a dotted path; None where there is none."""
    for step in path.split("."):
        item = item.get(step) if isinstance(item, dict) else None
    return item


def fits(wanted: Any, found: Any, path: str = "") -> bool:
    """Say whether a value is the wanted one: exact, but for the wording of texts.

    A wanted list gives alternatives, and so does '|' in a word; a found list fits with any item.
    """
    if isinstance(wanted, list):
        return any(fits(item, found, path) for item in wanted)
    if isinstance(found, list):
        return any(fits(wanted, item, path) for item in found)
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(fits(v, found.get(k), k) for k, v in wanted.items())
    if isinstance(wanted, str) and isinstance(found, str):
        return any(_same_word(item, found, path) for item in wanted.split("|"))
    if isinstance(wanted, bool) or wanted is None:
        return bool(wanted) == bool(found) if isinstance(wanted, bool) else found is None
    return isinstance(found, int | float) and abs(found - wanted) < 1e-9


def _same_word(wanted: str, found: str, path: str) -> bool:
    if plain(wanted) == plain(found):
        return True
    free = path.rsplit(".", maxsplit=1)[-1]
    return (free in TEXTS or free.endswith("Text")) and (
        alike(wanted, found) or plain(wanted) in plain(found)
    )


def _anchored(fact: Fact, anchor: list[str], document: Document) -> bool:
    relation, end = anchor[:2]
    ends = {f["id"] for f in at_end(document, end)}
    return any(
        a["relation"] in relation.split("|") and a["fact"] in ends
        for a in (fact.get("time") or {}).get("anchors", ())
    )


def _patient_id(document: Document, number: int) -> str:
    patients = document["patients"]
    return str(patients[number - 1]["id"]) if number <= len(patients) else f"patient {number}"


def at_end(document: Document, end: str) -> list[Fact]:
    """Return the facts at one end of a relation, given as 'kind|kind: words|words'."""
    kinds, _, words = end.partition(":")
    return [
        f for f in document["facts"] if f["kind"] in kinds.split("|") and says(f, words.strip())
    ]


# --- one verdict an expectation ---------------------------------------------------------------


def verdict(expectation: Expectation, document: Document, text: str) -> str:
    """Return why a document does not meet an expectation, in a sentence; '' where it does."""
    kind = kind_of(expectation)
    judge = JUDGES.get(kind, _fact if kind not in VERBS else None)
    assert judge is not None, f"no way to examine {kind!r}"
    return judge(expectation, document, text)


def _fact(expectation: Expectation, document: Document, text: str) -> str:
    near = [f for f in document["facts"] if named(f, expectation, text)]
    if not near:
        about = _about(expectation, document)
        return f"expected {sentence(expectation)}; found nothing near it but {about}"
    least = min((differences(f, expectation, document) for f in near), key=len)
    return (
        f"expected {sentence(expectation)}; found {shown(near)}: {'; '.join(least)}"
        if least
        else ""
    )


def _about(expectation: Expectation, document: Document) -> str:
    words = content_words(expectation[kind_of(expectation)])
    near = [f for f in document["facts"] if words & content_words(f["label"])]
    return shown(near or document["facts"])


def _never(expectation: Expectation, document: Document, text: str) -> str:
    return _unwanted(expectation, document, [f for f in document["facts"] if affirmed(f)])


def _nothing(expectation: Expectation, document: Document, text: str) -> str:
    return _unwanted(expectation, document, document["facts"])


def _unwanted(expectation: Expectation, document: Document, facts: list[Fact]) -> str:
    fields = _paths({k: v for k, v in list(expectation.items())[1:] if k != "kind"})
    kinds = expectation.get("kind", "").split("|")
    number = expectation.get("patient")
    owners = [_patient_id(document, number)] if number else [p["id"] for p in document["patients"]]
    bad = [
        f
        for f in facts
        if (kinds == [""] or f["kind"] in kinds)
        and f["patient"] in owners
        and says(f, expectation[kind_of(expectation)])
        and all(fits(v, value_at(f, k), k) for k, v in fields.items())
    ]
    return f"expected {sentence(expectation)}; found {shown(bad)}" if bad else ""


def _only(expectation: Expectation, document: Document, text: str) -> str:
    allowed = [e for e in expectation["of"] if kind_of(e) not in VERBS]
    extra = [
        f
        for f in document["facts"]
        if affirmed(f)
        and f["kind"] in expectation["only"].split("|")
        and not any(named(f, e, text) for e in allowed)
    ]
    return f"expected {sentence(expectation)}; found {shown(extra)}" if extra else ""


def _count(expectation: Expectation, document: Document, text: str) -> str:
    kinds, words = expectation["kind"].split("|"), expectation.get("words", "")
    found = [f for f in document["facts"] if affirmed(f) and f["kind"] in kinds and says(f, words)]
    if len(found) == expectation["count"]:
        return ""
    return f"expected {sentence(expectation)}; found {len(found)}: {shown(found)}"


def _related(expectation: Expectation, document: Document) -> list[dict[str, Any]]:
    types = expectation[kind_of(expectation)].split("|")
    fields = {k: v for k, v in expectation.items() if k in ("basis", "explicit")}
    sources = {f["id"] for f in at_end(document, expectation["from"])}
    targets = {f["id"] for f in at_end(document, expectation["to"])}
    return [
        r
        for r in document["relations"]
        if r["type"] in types
        and r["from"] in sources
        and r["to"] in targets
        and all(fits(v, r.get(k)) for k, v in fields.items())
    ]


def _relation(expectation: Expectation, document: Document, text: str) -> str:
    if _related(expectation, document):
        return ""
    near = [
        f"{r['from']} {r['type']} {r['to']} ({r.get('basis')})"
        for r in document["relations"]
        if r["type"] in expectation["relation"].split("|")
    ]
    return f"expected {sentence(expectation)}; found {', '.join(near) or 'no such relation'}"


def _no_relation(expectation: Expectation, document: Document, text: str) -> str:
    bad = [f"{r['from']} {r['type']} {r['to']}" for r in _related(expectation, document)]
    return f"expected {sentence(expectation)}; found {', '.join(bad)}" if bad else ""


def _patient(expectation: Expectation, document: Document, text: str) -> str:
    field, number = kind_of(expectation), expectation.get("patient", 1)
    patients = document["patients"]
    found = patients[number - 1].get(field) if number <= len(patients) else None
    if field == "sex":
        found = (found or {}).get("value")
    wanted = expectation[field]
    return "" if fits(wanted, found) else f"expected {sentence(expectation)}; found {found!r}"


def _patients(expectation: Expectation, document: Document, text: str) -> str:
    found = len(document["patients"])
    return (
        ""
        if found == expectation["patients"]
        else f"expected {sentence(expectation)}; found {found}"
    )


def _citation(expectation: Expectation, document: Document, text: str) -> str:
    found = {k: document["citation"].get(k) for k in expectation["citation"]}
    return (
        ""
        if fits(expectation["citation"], found)
        else f"expected {sentence(expectation)}; found {found}"
    )


def _statement(expectation: Expectation, document: Document, text: str) -> str:
    found = [f"{s['kind']}: {s['text']}" for s in document["statements"]]
    words = plain(expectation["words"]).split()
    wanted = expectation["statement"].split("|")
    fit = any(s.startswith(tuple(wanted)) and all(w in plain(s) for w in words) for s in found)
    return "" if fit else f"expected {sentence(expectation)}; found {found}"


JUDGES: Mapping[str, Any] = {
    "never": _never,
    "nothing": _nothing,
    "only": _only,
    "count": _count,
    "relation": _relation,
    "no_relation": _no_relation,
    "sex": _patient,
    "age": _patient,
    "deceased": _patient,
    "patients": _patients,
    "citation": _citation,
    "statement": _statement,
}


# --- words for people -------------------------------------------------------------------------


def sentence(expectation: Expectation) -> str:
    """Return an expectation as the words by which a test and a known gap name it."""
    first, *rest = ((k, v) for k, v in expectation.items() if k not in ("why", "of"))
    return " ".join([f"{first[0]} {_word(first[1])}", *(f"{k}={_word(v)}" for k, v in rest)])


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def shown(facts: list[Fact]) -> str:
    """Return facts as a few words each, for a message."""
    listed = [
        f"{f['kind']} {f['label']!r} ({' '.join(f['assertion'].values())})" for f in facts[:8]
    ]
    more = [f"and {len(facts) - 8} more"] if len(facts) > 8 else []
    return ", ".join(listed + more) or "no fact"
