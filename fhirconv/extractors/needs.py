"""What words between a treatment and a problem need around them, to bind the two."""

from collections.abc import Callable, Mapping, Sequence

from fhirconv.extractors.chunks import Sentence
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.words import singular_low

Group = Sequence[Mention]
NEAR = 6  # words before the first mention that may say what it is about


def met(sentence: Sentence, need: str, before: Group, group: Group) -> bool:
    """Say whether what a row of links.csv needs stands there."""
    return not need or NEEDS.get(need, _never)(sentence, before, group)


def _gap(before: Group, group: Group) -> int:
    return group[0].first - before[-1].last


def _never(*_: object) -> bool:
    """Say no: a row that needs what nobody knows binds nothing."""
    return False


def _next(_: Sentence, before: Group, group: Group) -> bool:
    """Say whether the two stand side by side."""
    return _gap(before, group) <= 1


def _procedure(_: Sentence, before: Group, group: Group) -> bool:
    """Say whether what stands before is something done: resection of."""
    return before[-1].kind == "procedure" and _gap(before, group) <= 3


def _bare(sentence: Sentence, before: Group, group: Group) -> bool:
    """Say whether a sentence has no verb, as a title: hallucinations with X."""
    return _gap(before, group) <= 2 and all(c.kind != "verb" for c in sentence.chunks)


def _harm(sentence: Sentence, before: Group, group: Group) -> bool:
    """Say whether a word for harm stands behind: seizures in X overdose."""
    place = group[-1].last
    return (
        _gap(before, group) <= 2
        and place < len(sentence.listed)
        and _is(sentence, place, "reacting")
    )


def _association(sentence: Sentence, before: Group, group: Group) -> bool:
    """Say whether a word before the two joins them: the association of X and Y."""
    places = range(max(0, before[0].first - NEAR), before[0].first)
    return _gap(before, group) <= 4 and any(_is(sentence, n, "associating") for n in places)


def _reaction(sentence: Sentence, before: Group, group: Group) -> bool:
    """Say whether what stands before is a reaction: hypersensitivity to X."""
    return _gap(before, group) <= 3 and _is(sentence, before[-1].last - 1, "reacting")


def _person(sentence: Sentence, before: Group, group: Group) -> bool:
    """Say whether a person stands between: X in a man with Y."""
    between = sentence.listed[before[-1].last : group[0].first]
    return any(w.low in sentence.lexicon.people["noun"] for w in between)


def _treatment(sentence: Sentence, before: Group, group: Group) -> bool:
    """Say whether a word for treating stands near: treatment of Y with X."""
    places = range(max(0, before[0].first - NEAR), group[0].first)
    return any(
        _is(sentence, n, "therapy") or sentence.listed[n].low.startswith("treat") for n in places
    )


def _is(sentence: Sentence, place: int, name: str) -> bool:
    """Say whether a word is of a class of words.csv."""
    low = singular_low(sentence.listed[place].low)
    return name in sentence.lexicon.classes.get(low, ())


NEEDS: Mapping[str, Callable[[Sentence, Group, Group], bool]] = {
    "next": _next,
    "procedure": _procedure,
    "bare": _bare,
    "harm": _harm,
    "association": _association,
    "reaction": _reaction,
    "person": _person,
    "treatment": _treatment,
}
