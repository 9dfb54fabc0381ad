"""What is given: the drug or the cells in a noun phrase, without the words around them."""

from collections.abc import Sequence

from fhirconv.extractors.chunks import Chunk, Sentence
from fhirconv.extractors.units import AGENTS, Unit, is_giving, kind_of
from fhirconv.extractors.words import singular_low

DRUGS = frozenset(("drug", "drug_class"))
JOINS = frozenset(("/", "+", "&"))
GLUE = frozenset(("-", "/", ""))  # what stands between the parts of one name


def given(sentence: Sentence, unit: Unit, before: list[Unit]) -> Unit:
    """Return what is given in place of the word for giving it: rituximab (infusion)."""
    if unit.kind == "procedure" and _gives_cells(sentence, unit):
        return Unit(unit.first, unit.last, "cells", unit.origin, unit.text, True)
    if unit.kind == "procedure" and unit.listed:
        return _carried(sentence, unit) or unit
    if unit.kind != "procedure" or not before or before[-1].kind not in AGENTS:
        return unit
    if _is_joined(sentence, before[0], unit.first):
        return unit
    classes = _classes(sentence, unit.last - 1)
    if before[-1].kind == "cells":
        return Unit(unit.first, unit.last, "cells", unit.origin) if "giving" in classes else unit
    return before.pop() if "carrier" in classes else unit


def _classes(sentence: Sentence, place: int) -> frozenset[str]:
    low = sentence.listed[place].low
    return sentence.lexicon.classes.get(singular_low(low), frozenset())


def _carried(sentence: Sentence, unit: Unit) -> Unit | None:
    """Return the drug that a term for a therapy begins with: corticosteroid (therapy)."""
    if "carrier" not in _classes(sentence, unit.last - 1) or _is_joined(sentence, unit):
        return None
    match = sentence.lexicon.terms.at(sentence.listed[: unit.last - 1], unit.first)
    kind = kind_of(sentence, match) if match is not None else ""
    if match is None or kind not in DRUGS:
        return None
    return Unit(match.first, match.last, kind, match.entry.origin, match.entry.text, True)


def _is_joined(sentence: Sentence, unit: Unit, last: int = 0) -> bool:
    """Say whether a sign joins parts of a name: IL-2/LAK therapy is a regimen."""
    return any(sentence.listed[n].text in JOINS for n in range(unit.first, last or unit.last))


def end_of(sentence: Sentence, unit: Unit, chunk: Chunk) -> int:
    """Return where the name of a drug ends before the word for giving it: interferon (IFN)."""
    last = unit.last
    while last < chunk.last and last in sentence.silent:
        last += 1
    return last


def is_measured(sentence: Sentence, unit: Unit, chunk: Chunk) -> bool:
    """Say whether a drug is something measured: serum carnitine, raised valproate."""
    if unit.kind not in DRUGS:
        return False
    classes = sentence.lexicon.classes
    lows = (w.low for w in sentence.listed[chunk.first : unit.first])
    return _is_level(sentence, chunk) or any("measured" in classes.get(low, ()) for low in lows)


def _is_level(sentence: Sentence, chunk: Chunk) -> bool:
    """Say whether a noun phrase stands behind 'the level of'."""
    if chunk.first < 2 or sentence.listed[chunk.first - 1].low != "of":
        return False
    return "level" in _classes(sentence, chunk.first - 2)


def prepares(sentence: Sentence, place: int, unit: Unit, before: Sequence[Unit]) -> bool:
    """Say whether a word before a drug belongs to its name: recombinant, high-dose, sodium."""
    word, behind = sentence.listed[place], sentence.listed[place + 1]
    if "preparation" in sentence.lexicon.classes.get(word.low, ()):
        return True
    amount = sentence.lexicon.phrases("amounts", "class").at(sentence.listed, place)
    if amount is not None or _ends_amount(sentence, place):
        return True
    inside = next((u for u in before if u.first <= place < u.last), None)
    if inside is not None and inside.kind == "drug":
        return not unit.listed or behind.joint in GLUE
    return behind.joint in GLUE and "causal" not in sentence.lexicon.classes.get(word.low, ())


def _ends_amount(sentence: Sentence, place: int) -> bool:
    amounts = sentence.lexicon.phrases("amounts", "class")
    found = (amounts.at(sentence.listed, n) for n in range(max(0, place - 2), place))
    return any(m is not None and m.last == place + 1 for m in found)


def _gives_cells(sentence: Sentence, unit: Unit) -> bool:
    """Say whether a term is an infusion of cells: donor lymphocyte infusion, infusion of cells."""
    places = [n for n in range(unit.first, unit.last) if n not in sentence.silent]
    if len(places) < 2:
        return False
    cells = [_is_cells(sentence, n) for n in places]
    giving = [is_giving(sentence, n) for n in places]
    return (giving[-1] and cells[-2]) or (giving[0] and cells[-1])


def _is_cells(sentence: Sentence, place: int) -> bool:
    """Say whether a word alone names cells: lymphocytes, MSC."""
    head = sentence.lexicon.head(sentence.listed[place].key)
    if head is not None:
        return head.kind == "cells"
    match = sentence.lexicon.terms.at(sentence.listed[place : place + 1], 0)
    return match is not None and match.entry.kind == "cells"
