"""Sentences about nobody in particular: what is known, and what the authors conclude."""

from collections.abc import Iterator, Sequence

from fhirconv.extractors.chunks import Sentence
from fhirconv.extractors.clauses import Clause, main_verb
from fhirconv.extractors.strangers import is_unknown

PRESENT = frozenset("is are has have can may might should must will would".split())


def classify(sentence: Sentence, parts: Sequence[Clause], after_patient: bool) -> str:
    """Return 'background' or 'conclusion' for a general sentence, '' for one about the patient.

    after_patient says whether the patient has been spoken of before.
    """
    if sentence.part == "title":
        return ""
    said = {"others" if kind == "by a name" else kind for kind in _said(sentence)}
    if any(_is_of_others(sentence, part) for part in parts):
        said.add("others")
    narrates = _narrates(sentence, parts)
    closing = "conclusion" in said and not narrates
    if "others" in said:
        return "conclusion" if after_patient else "background"
    if after_patient and sentence.part == "case" and _is_result(sentence, parts[0]):
        return ""
    acts = _acts(sentence, parts)
    named = acts or ("the patient" in said and (after_patient or narrates))
    specific = named or said & {"patient", "intro"}
    if specific and not closing and ("other" not in said or narrates):
        return ""
    general = _is_general(sentence, parts) and not (after_patient and _is_told(sentence, parts))
    if not (closing or "other" in said or general):
        return ""
    return "conclusion" if after_patient and (closing or hedged(sentence)) else "background"


def _acts(sentence: Sentence, parts: Sequence[Clause]) -> bool:
    """Say whether a person is the subject of the first clause: the patient has not received.

    So where a verb tells of a course: the tumor has not recurred.
    """
    part = parts[0]
    if part.verb < 0 or part.inherits or part.subject >= part.verb:
        return False
    chunk = sentence.chunks[part.subject]
    words = sentence.listed[chunk.first : chunk.last]
    row = sentence.lexicon.meanings.get(main_verb(sentence, part.verb)[0], {})
    acts = words[-1].low in sentence.lexicon.people["noun"] or row.get("meaning") == "status"
    return words[0].low == "the" and acts


def _is_result(sentence: Sentence, part: Clause) -> bool:
    """Say whether a clause tells what was found in the patient: these findings suggest X."""
    chunks, classes = sentence.chunks, sentence.lexicon.classes
    if part.verb < 0 or part.inherits or part.subject >= part.verb:
        return False
    subject = chunks[part.subject]
    words = sentence.listed[subject.first : subject.last]
    behind = chunks[part.verb + 1].kind if part.verb + 1 < len(chunks) else ""
    found = words[0].low in ("the", "these") and "result" in classes.get(words[-1].low, ())
    return found and behind not in ("S", "R") and not _may(sentence)


def _may(sentence: Sentence) -> bool:
    classes = sentence.lexicon.classes
    return any("modal" in classes.get(word.low, ()) for word in sentence.listed)


def _said(sentence: Sentence) -> Iterator[str]:
    """Yield the classes of the telling phrases; singular and plural are told apart."""
    for match in sentence.lexicon.phrases("statement-cues").each(sentence.listed):
        lows = [w.low for w in sentence.listed[match.first : match.last]]
        if lows == sentence.lexicon.lows(match.entry.text):
            named = match.last < len(sentence.listed) and _is_name(sentence, match.last)
            if match.entry.kind != "by a name" or named:
                yield match.entry.kind


def _is_name(sentence: Sentence, place: int) -> bool:
    """Say whether a word may be the name of an author: a capital, and no table knows it."""
    text = sentence.listed[place].text
    return text[:1].isupper() and not text.isupper() and is_unknown(sentence, place)


def _is_of_others(sentence: Sentence, part: Clause) -> bool:
    """Say whether other authors are the subject of a verb of reporting: Kim and colleagues."""
    if part.verb < 1 or part.inherits or part.subject >= part.verb:
        return False
    _, passive = main_verb(sentence, part.verb)
    trie = sentence.lexicon.phrases("statement-cues")
    chunk = sentence.chunks[part.verb - 1]
    verb = trie.at(sentence.listed, sentence.chunks[part.verb].last - 1)
    reports = verb is not None and verb.entry.kind == "reporting"
    if passive or not reports or chunk.kind != "noun":
        return False
    last = trie.at(sentence.listed, chunk.last - 1)
    author = last is not None and last.entry.kind == "authors"
    owned = sentence.listed[chunk.first].low in ("our", "we")
    return not owned and (author or _is_name(sentence, chunk.last - 1))


def _narrates(sentence: Sentence, parts: Sequence[Clause]) -> bool:
    """Say whether a main clause tells in the past tense."""
    return any(
        part.verb >= 0 and not part.opener and _is_past(sentence, part.verb) for part in parts
    )


def _is_general(sentence: Sentence, parts: Sequence[Clause]) -> bool:
    """Say whether all that a sentence tells is told in the present tense, of nobody named."""
    verbs = [part.verb for part in parts if part.verb >= 0]
    if not verbs or any(_is_past(sentence, verb) for verb in verbs):
        return False
    lemmas = [main_verb(sentence, verb)[0] for verb in verbs]
    shows = (sentence.lexicon.meanings.get(lemma, {}).get("meaning") == "show" for lemma in lemmas)
    return not any(shows)


def _is_told(sentence: Sentence, parts: Sequence[Clause]) -> bool:
    """Say whether a sentence goes on with a story: has persisted, will be given."""
    chunks = sentence.chunks
    firsts = [sentence.listed[chunks[p.verb].first].low for p in parts if p.verb >= 0]
    return bool(firsts) and firsts[0] in ("has", "have", "will")


def _is_past(sentence: Sentence, verb: int) -> bool:
    chunk = sentence.chunks[verb]
    first = sentence.listed[chunk.first].low
    if first in PRESENT or first in ("do", "does", "cannot"):
        return False
    if first in ("was", "were", "had", "did", "could"):
        return True
    lemma, form = sentence.lexicon.verbs.get(first, ("", ""))
    if form == "base" and lemma in sentence.lexicon.unchanged_pasts:
        return True
    return form in ("past", "participle") or (not form and first.endswith("ed"))


def hedged(sentence: Sentence) -> bool:
    """Say whether a sentence only holds something possible."""
    return _may(sentence) or any(w.low in HEDGES for w in sentence.listed)


HEDGES = frozenset("possible considered suggest suggests likely potential promising useful".split())
