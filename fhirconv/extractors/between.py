"""What stands between a treatment and a problem, and what it says of the two."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fhirconv.extractors.assertion import TREATMENTS
from fhirconv.extractors.bearers import borne
from fhirconv.extractors.clauses import main_verb
from fhirconv.extractors.kinds import is_vague
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.needs import met
from fhirconv.extractors.reading import Reading
from fhirconv.extractors.words import singular_low

PROBLEMS = frozenset(("condition", "finding"))
BETTER = frozenset(("improved", "decreased", "disappeared", "resolved"))
SEQUENCE = frozenset(("after", "following", "during", "subsequent"))
STATUS = frozenset(("relapse", "progression", "remission"))
IS = frozenset(("is", "are", "was", "were", "be", "as", "being"))
WITH = frozenset(("with", "a", "and", "an"))
CONTAINING = frozenset(("with", "using", "including", "containing", "("))
GIVEN = frozenset(("with", "by", "receiving", "received", "taking", "took", "on", "using", "given"))
BEING = frozenset(("being", "having", "been"))


Hit = tuple[Mapping[str, Any], int, int]  # the row that binds two groups, the words that say it


class Bond(NamedTuple):
    """A treatment and a problem of one sentence, and the row of links.csv that binds them."""

    treatment: Mention
    problem: Mention
    row: Mapping[str, Any]
    first: int  # the words that say it
    last: int


def bonds(reading: Reading, anaphors: bool = False) -> list[Bond]:
    """Return what a sentence says of its treatments and problems, pair by pair.

    With anaphors, 'the exacerbation' and 'this reaction' count as problems too.
    """
    ends = [m for m in reading.mentions if _role(m) or (anaphors and _is_anaphor(m))]
    groups = _groups(reading, ends)
    found: list[Bond] = []
    treating: set[int] = set()  # the groups that a treatment before them is for
    for number, group in enumerate(groups):
        found += [
            bond._replace(problem=problem)
            for bond in _compounds(reading, group[0])
            for problem in group
        ]
        role = _role(group[0])
        before = next((g for g in reversed(groups[:number]) if _role(g[0]) != role), None)
        if before is None:
            continue
        hit = _cue(reading, groups[number - 1][-1], before, group, number - 1 in treating)
        host = borne(reading, groups[:number], group) if role == "treatment" else ()
        host = host if host and _role(host[0]) == "problem" else ()
        if hit is None or (host and _receives(hit) and host is before):
            found += _pairs(host, group, _given_in(hit)) if host and hit is not None else ()
            continue
        hit = _unless_stopped(reading, before if role == "problem" else group, hit)
        found += _pairs(before, group, hit)
        if host and host is not before and (_receives(hit) or hit[0]["basis"] == "temporal"):
            found += _pairs(host, group, _given_in(hit))
        if hit[0]["type"] == "treats" and role == "problem":
            treating.add(number)
        named = _named_before(reading, groups[:number], before)
        found += _pairs(named, group, hit) if hit[0]["type"] == "event" else ()
    return found


def _receives(hit: Hit) -> bool:
    """Say whether words tell that a person is given something: treated with, receiving."""
    return hit[0]["needs"] == "" and hit[0]["phrase"].split()[-1] in GIVEN


def _given_in(hit: Hit) -> Hit:
    """Return words for giving as the time of what a person has: X in a patient treated with Y."""
    return {**hit[0], "type": "event", "basis": "temporal"}, hit[1], hit[2]


def _unless_stopped(reading: Reading, treatments: Sequence[Mention], hit: Hit) -> Hit:
    """Return why a treatment was stopped or reduced as harm: stopped because of X treats no X.

    Where one replaces another because of X, nothing is said of either.
    """
    row, first, last = hit
    number = reading.clause_of(treatments[-1].chunk)
    verb = reading.clauses[number].verb if number >= 0 else -1
    sentence = reading.sentence
    if row["type"] != "treats" or verb < 0 or first < sentence.chunks[verb].last:
        return hit
    because = sentence.lexicon.phrases("cause-words").at(sentence.listed, first)
    told = sentence.lexicon.meanings.get(main_verb(sentence, verb)[0], {})
    stops = told.get("meaning") == "stop" or told.get("value") in ("resolved", "decreased")
    if because is None or not (stops or told.get("meaning") == "replace"):
        return hit
    return {**row, "type": "event" if stops else "", "basis": "inferred"}, first, last


def _named_before(
    reading: Reading, groups: Sequence[list[Mention]], harm: Sequence[Mention]
) -> Sequence[Mention]:
    """Return what is called a harm: X is a rare complication (of Y)."""
    number = next((n for n, g in enumerate(groups) if g is harm), 0)
    if harm[0].kind != "untoward" or not number or _role(groups[number - 1][0]) != "problem":
        return ()
    named = groups[number - 1]
    lows = {w.low for w in reading.sentence.listed[named[-1].last : harm[0].first]}
    tags = reading.sentence.tagged[named[-1].last : harm[0].first]
    return named if lows & IS and not set(tags) & {"S", "R", "!"} else ()


def _is_anaphor(mention: Mention) -> bool:
    if mention.kind == "untoward":
        return True
    row = mention.sentence.lexicon.event(mention) if mention.kind == "event" else None
    return row is not None and row["value"] == "worsened"


def _role(mention: Mention) -> str:
    if mention.kind in PROBLEMS or _is_anaphor(mention):
        return "problem"
    given = mention.kind in TREATMENTS and mention.kind != "test" and not is_vague(mention)
    return "treatment" if given else ""


def _groups(reading: Reading, ends: Sequence[Mention]) -> list[list[Mention]]:
    """Return the mentions in groups: the lists of one role, A, B and C."""
    found: list[list[Mention]] = []
    for mention in ends:
        if (
            found
            and _role(found[-1][0]) == _role(mention)
            and _joined(reading, found[-1][-1], mention)
        ):
            found[-1].append(mention)
        else:
            found.append([mention])
    return found


def _joined(reading: Reading, one: Mention, two: Mention) -> bool:
    sentence = reading.sentence
    tags = sentence.tagged[one.last : two.first]
    lows = [w.low for w in sentence.listed[one.last : two.first]]
    if _role(one) == "treatment" and lows and lows[0] in CONTAINING and len(lows) <= 3:
        return True  # chemotherapy with docetaxel
    return all(t in ("C", ",", "D", "#", "A") for t in tags) or set(lows) <= WITH


def _cue(
    reading: Reading,
    last: Mention,
    before: Sequence[Mention],
    group: Sequence[Mention],
    indicated: bool,
) -> Hit | None:
    """Return the row that binds two groups, by the last telling words before the second.

    indicated says whether what stands between them is what the treatment is for.
    """
    sentence = reading.sentence
    roles = _role(before[0]), _role(group[0])
    trie = sentence.lexicon.links
    start = max(last.last if last.last <= group[0].first else before[-1].last, before[-1].last)
    found = None
    place = start
    while place < group[0].first:
        match = trie.at(sentence.listed, place)
        place += 1
        if match is None or match.last > group[0].first + 1:
            continue
        for row in match.entry.row["rows"]:
            if (row["first"], row["second"]) != roles or not met(
                sentence, row["needs"], before, group
            ):
                continue
            if found is not None and _goes_on(reading, found, row, match.first):
                place = match.last
                break
            if row["type"] != "treats" or not _is_told_between(reading, match.last, group[0]):
                found = (row, match.first, match.last)
                place = match.last
                break
    if found is None or found[0]["type"] != "event":
        return found
    if found[0]["basis"] == "temporal" and _role(last) == _role(group[0]) and not indicated:
        return None
    if _has_status(reading, before, group) or _is_kept(reading, before[0], found[0]["phrase"]):
        return None
    own = found[0]["basis"] == "temporal" and _is_own(before[0], found[0]["phrase"])
    if own or _better(reading, before, group):
        return {**found[0], "type": "treats", "basis": "stated"}, found[1], found[2]
    return found


def _goes_on(reading: Reading, found: Hit, row: Mapping[str, Any], place: int) -> bool:
    """Say whether words for treating belong to a cause or time: due to treatment with X."""
    if found[0]["type"] != "event" or row["type"] != "treats":
        return False
    sentence, people = reading.sentence, reading.sentence.lexicon.people["noun"]
    between = range(found[2], place)
    lows = [sentence.listed[n].low for n in between]
    tags = {sentence.tagged[n] for n in between}
    if any(low in people for low in lows) or "O" in tags:  # after the patient was given X
        return len(between) <= 6 and tags <= {"D", "N", "A", "O", "X", "#"}
    plain = {sentence.tagged[n] for n in between if sentence.listed[n].low not in BEING}
    return len(between) <= 3 and plain <= {"D", "N", "A", "#"}


def _is_told_between(reading: Reading, place: int, mention: Mention) -> bool:
    """Say whether a verb stands between words and a mention: 'for three days, but he died of'."""
    chunks = reading.sentence.chunks
    return any(c.kind == "verb" and place <= c.first < mention.first for c in chunks)


def _is_own(mention: Mention, phrase: str) -> bool:
    """Say whether a problem is the disease that a person has: a woman with X was taking Y."""
    sentence = mention.sentence
    number = mention.chunk - 1
    if _role(mention) != "problem" or number < 1 or phrase.split(maxsplit=1)[0] in SEQUENCE:
        return False
    before = sentence.chunks[number - 1]
    nouns = sentence.lexicon.people["noun"]
    return sentence.listed[sentence.chunks[number].first].low == "with" and any(
        singular_low(w.low) in nouns for w in sentence.listed[before.first : before.last]
    )


def _is_kept(reading: Reading, mention: Mention, phrase: str) -> bool:
    """Say whether a person only has a disease and takes a drug: a known case of X on Y."""
    number = reading.clause_of(mention.chunk)
    if phrase != "on" or mention.kind != "condition" or number < 0:
        return False
    verb = reading.clauses[number].verb
    return verb >= 0 and main_verb(reading.sentence, verb)[0] in ("have", "be")


def _has_status(reading: Reading, before: Sequence[Mention], group: Sequence[Mention]) -> bool:
    """Say whether a verb or noun between two groups tells the course of a disease."""
    if _role(before[0]) != "problem":
        return False
    first, last = before[-1].last, group[0].first
    for mention in reading.mentions:
        if mention.kind == "event" and first <= mention.first and mention.last <= last:
            row = reading.sentence.lexicon.event(mention)
            if row is not None and row["meaning"] == "status":
                return True
    return _has_verb(reading, before, group, STATUS)


def _has_verb(
    reading: Reading, before: Sequence[Mention], group: Sequence[Mention], values: frozenset[str]
) -> bool:
    """Say whether a verb between two groups has one of these meanings or values."""
    sentence = reading.sentence
    for number, chunk in enumerate(sentence.chunks):
        if chunk.kind == "verb" and before[-1].last <= chunk.first < group[0].first:
            row = sentence.lexicon.meanings.get(main_verb(sentence, number)[0], {})
            if {row.get("meaning"), row.get("value")} & values:
                return True
    return False


def _better(reading: Reading, before: Sequence[Mention], group: Sequence[Mention]) -> bool:
    """Say whether a verb between problem and treatment tells that it got better."""
    return _role(before[0]) == "problem" and _has_verb(reading, before, group, BETTER)


def _pairs(before: Sequence[Mention], group: Sequence[Mention], hit: Hit) -> Iterator[Bond]:
    row, first, last = hit
    for one in before:
        for two in group:
            treatment, problem = (one, two) if _role(one) == "treatment" else (two, one)
            yield Bond(treatment, problem, row, first, last)


def _compounds(reading: Reading, problem: Mention) -> Iterator[Bond]:
    """Yield the bonds inside one noun phrase: heparin-induced X, lithium tremor."""
    if _role(problem) != "problem":
        return
    sentence = reading.sentence
    for mention in reading.mentions:
        inside = mention.chunk == problem.chunk and mention.last <= problem.first
        if inside and _role(mention) == "treatment":
            between = [w.low for w in sentence.listed[mention.last : problem.first]]
            cause = {"induced", "related", "associated", "mediated", "caused", "provoked"}
            if not between or set(between) & cause:
                row = {"type": "event", "basis": "stated", "origin": problem.origin, "phrase": ""}
                yield Bond(mention, problem, row, mention.first, problem.first)
