"""The forms of English verbs: base, s, past, participle, ing."""

from collections.abc import Iterable, Iterator

VOWELS = frozenset("aeiou")


def forms(lemma: str, past: str, participle: str) -> Iterator[tuple[str, str]]:
    """Yield (form, word) of a verb: base, s, past, participle, ing."""
    yield "base", lemma
    yield "s", _third(lemma)
    stem = lemma[:-1] if lemma.endswith("e") and not lemma.endswith(("ee", "ye", "oe")) else lemma
    if lemma.endswith("ie"):
        stem = lemma[:-2] + "y"
    for shown in _doubled(stem):
        yield "ing", shown + "ing"
    if past:
        yield "past", past
        yield "participle", participle
        return
    for shown in _pasts(lemma):
        yield "past", shown


def _third(lemma: str) -> str:
    if lemma.endswith("y") and lemma[-2] not in VOWELS:
        return lemma[:-1] + "ies"
    return lemma + ("es" if lemma.endswith(("s", "x", "ch", "sh", "o", "z")) else "s")


def _pasts(lemma: str) -> Iterable[str]:
    if lemma.endswith("e"):
        return (lemma + "d",)
    if lemma.endswith("y") and lemma[-2] not in VOWELS:
        return (lemma[:-1] + "ied",)
    return tuple(stem + "ed" for stem in _doubled(lemma))


def _doubled(stem: str) -> tuple[str, ...]:
    """Return a stem, and with its last letter doubled where that may be: stop, stopp."""
    if len(stem) > 2 and stem[-1] not in "aeiouwxy" and stem[-2] in VOWELS:
        return (stem, stem + stem[-1])
    return (stem,)
