"""Which patient a sentence is about: case 1, patient B, the second patient, a woman of 35."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fhirconv.extractors.ages import ages
from fhirconv.extractors.chunks import Sentence
from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.persons import sex_of
from fhirconv.extractors.quantities import number_at
from fhirconv.extractors.reading import Reading
from fhirconv.extractors.words import Word

ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6}
LETTERS = {letter: number for number, letter in enumerate("ABCDEFGH", 1)}
NEAR = 2  # years by which the age of one patient may differ from place to place
SUMMARY = ("title", "abstract")


@dataclass(frozen=True, slots=True)
class Introduction:
    """A patient as a sentence introduces one: a 35-year-old woman."""

    years: float  # of any age, in its own unit
    code: str
    sex: str
    leads: bool  # it stands at the beginning of its sentence

    def same(self, other: "Introduction") -> bool:
        """Say whether two introductions may be of one patient."""
        apart = self.sex and other.sex and self.sex != other.sex
        return not apart and (self.code != other.code or abs(self.years - other.years) <= NEAR)


def owners(readings: Sequence[Reading]) -> list[int]:
    """Return the number of the patient that each sentence is about; 0 where it is about all.

    Numbers, letters and ordinals lead from one patient to the next; else the persons that a
    report of several patients introduces. A person of another age or sex who is introduced in
    passing is somebody else's patient: what a sentence tells of them is general.
    """
    marked = [_leading(r.sentence) for r in readings]
    numbers = numbers_of(readings)
    if len(numbers) > 1:
        return list(_by_marks(readings, marked, numbers))
    introduced = [_introduction(r) for r in readings]
    if _count(introduced) > 1:
        return list(_by_introductions(readings, introduced))
    first = next((i for i in introduced if i is not None), None)
    for reading, found in zip(readings, introduced, strict=True):
        if found is not None and first is not None and not found.same(first):
            reading.statement = reading.statement or "background"
    return [1] * len(readings)


# --- by numbers, letters and ordinals ---------------------------------------------------------


def _by_marks(
    readings: Sequence[Reading], marked: Sequence[int | None], numbers: Sequence[int]
) -> Iterator[int]:
    current, part = 0, ""
    for reading, mark in zip(readings, marked, strict=True):
        sentence = reading.sentence
        if (part in SUMMARY) != (sentence.part in SUMMARY):
            current = 0
        part = sentence.part
        named = set(_inside(sentence)) & set(numbers)
        if mark:
            current = numbers.index(mark) + 1
            reading.statement = ""
        several = set(named_in(sentence).values()) & set(numbers)
        if len(several) > 1 or of_all(sentence):
            yield 0
        elif named and not mark:
            yield numbers.index(named.pop()) + 1
        else:
            yield current


def numbers_of(readings: Sequence[Reading]) -> list[int]:
    """Return the numbers by which a report calls its patients, in order.

    A sentence that begins with one leads to a patient; one that names several has them all.
    """
    found = {mark for reading in readings if (mark := _leading(reading.sentence))}
    for reading in readings:
        several = set(named_in(reading.sentence).values())
        found |= several if len(several) > 1 and not reading.generic else set()
    return sorted(found)


def named_in(sentence: Sentence) -> dict[int, int]:
    """Return the number of each patient named by number, letter or ordinal, by place."""
    listed, lexicon = sentence.listed, sentence.lexicon
    found: dict[int, int] = {}
    for place in range(len(listed)):
        number = numbered(listed, place, lexicon)
        number = None if place + 1 in sentence.quantified else number
        if number or (number := _ordinal(listed, place, lexicon)):
            found[place] = number
        elif {place - 2, place - 3} & set(found) and listed[place - 1].low in ("and", ","):
            found |= _next(sentence, place)
    return found


def _next(sentence: Sentence, place: int) -> dict[int, int]:
    """Return the bare number that goes on with a list: patients 1 and 2."""
    listed, lexicon = sentence.listed, sentence.lexicon
    word = listed[place]
    number = number_at(listed, place, lexicon)
    value = int(number[0]) if number else LETTERS.get(word.text)
    return {place: value} if value and place not in sentence.quantified else {}


def _leading(sentence: Sentence) -> int | None:
    """Return the number of the patient whom a sentence or its heading leads to."""
    lexicon, listed = sentence.lexicon, sentence.listed
    headed = lexicon.words(sentence.heading)
    found = numbered(headed, 0, lexicon) or _ordinal(headed, 0, lexicon)
    if found is None and listed:
        begin = 1 if sentence.tagged[:1] == ["P"] else 0
        found = numbered(listed, begin, lexicon) or _ordinal(listed, begin, lexicon)
        place = begin + 1
        if found and place < len(listed) and place in sentence.quantified:
            return None  # patient 2 weeks later
    return found


def _inside(sentence: Sentence) -> Iterator[int]:
    """Yield the numbers of all patients that a sentence names by number or letter."""
    for place in range(len(sentence.listed)):
        number = numbered(sentence.listed, place, sentence.lexicon)
        if number is not None and place + 1 not in sentence.quantified:
            yield number


def numbered(listed: Sequence[Word], place: int, lexicon: Lexicon) -> int | None:
    """Return the number or letter after 'Case' or 'Patient' at a place."""
    match = lexicon.phrases("case-markers").at(listed, place) if place < len(listed) else None
    if match is None or match.entry.kind != "one" or match.last >= len(listed):
        return None
    word = listed[match.last]
    number = number_at(listed, match.last, lexicon)
    value = int(number[0]) if number else ROMAN.get(word.low) or LETTERS.get(word.text)
    behind = listed[match.last + 1] if match.last + 1 < len(listed) else None
    counts = behind is not None and (behind.low[0].isdecimal() or behind.joint == "-")
    return value if value and value < 100 and not counts else None


def _ordinal(listed: Sequence[Word], place: int, lexicon: Lexicon) -> int | None:
    """Return the number of 'the second patient', 'first case' at a place."""
    if place < len(listed) and "determiner" in lexicon.classes.get(listed[place].low, ()):
        place += 1
    value = lexicon.ordinals.get(listed[place].low) if place + 1 < len(listed) else None
    match = lexicon.phrases("case-markers").at(listed, place + 1) if value else None
    return int(value) if value and match is not None and match.entry.kind == "one" else None


def of_all(sentence: Sentence) -> bool:
    """Say whether a sentence speaks of all patients: both patients, the patients, both had."""
    trie = sentence.lexicon.phrases("case-markers")
    low = sentence.listed[0].low if sentence.listed else ""
    behind = sentence.listed[1].low if len(sentence.listed) > 1 else ""
    form = sentence.lexicon.verbs.get(behind, ("", ""))[1]
    alone = low in BOTH and (sentence.tagged[1:2] == ["X"] or form in ("past", "participle"))
    return alone or any(match.entry.kind == "all" for match in trie.all(sentence.listed))


def announced(readings: Sequence[Reading], count: int) -> bool:
    """Say whether a report speaks of so many patients of its own: we saw two patients."""
    return any(
        number is not None and number[0] == count and _names_patients(reading.sentence, number[1])
        for reading in readings
        if not reading.generic or OURS & {word.low for word in reading.sentence.listed}
        for place in range(len(reading.sentence.listed))
        if (number := number_at(reading.sentence.listed, place, reading.sentence.lexicon))
    )


def _names_patients(sentence: Sentence, place: int) -> bool:
    """Say whether a word for patients stands at a place: patients, cases."""
    trie = sentence.lexicon.phrases("case-markers")
    match = trie.at(sentence.listed, place) if place < len(sentence.listed) else None
    return match is not None and match.entry.kind == "one"


# --- by introductions -------------------------------------------------------------------------


def _introduction(reading: Reading) -> Introduction | None:
    """Return the person whom a sentence introduces: a 35-year-old woman; None without."""
    sentence = reading.sentence
    for age in ages(sentence) if not reading.statement else ():
        number = next((n for n, c in enumerate(sentence.chunks) if c.last > age.first), 0)
        chunk = sentence.chunks[number]
        sex = sex_of(sentence, chunk)
        new = sentence.listed[chunk.first].low in ("a", "an")
        if sex is None or not new or reading.scope_at(number) != "patient":
            continue
        before = sentence.listed[chunk.first - 1].low if chunk.first else ""
        predicate = number > 0 and sentence.chunks[number - 1].kind == "verb" and before in BE
        if before not in ("as", ",", "now") and not predicate:
            years = float(age.fields.get("value", age.fields.get("low", 0)))
            return Introduction(years, age.fields["code"], sex, number == 0)
    return None


BOTH = frozenset(("both", "all"))
OURS = frozenset(("we", "our"))
BE = frozenset("is was be being been".split())


def _count(introduced: Sequence[Introduction | None]) -> int:
    """Return how many persons are introduced at the beginning of a sentence."""
    found: list[Introduction] = []
    for one in introduced:
        if one is not None and one.leads and not any(one.same(known) for known in found):
            found.append(one)
    return len(found)


def _by_introductions(
    readings: Sequence[Reading], introduced: Sequence[Introduction | None]
) -> Iterator[int]:
    known: list[Introduction] = []
    current = 0
    for reading, one in zip(readings, introduced, strict=True):
        if one is not None:
            place = next((n for n, other in enumerate(known) if one.same(other)), len(known))
            if place == len(known) and one.leads:
                known.append(one)
            if place < len(known):
                current = place + 1
            else:
                reading.statement = "background"
        yield 0 if reading.sentence.part == "title" or of_all(reading.sentence) else current
