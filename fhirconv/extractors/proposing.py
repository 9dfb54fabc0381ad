"""What the tagger proposes becomes mentions, where the tables found none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from fhirconv.extractors.chunks import Proposal, Sentence
from fhirconv.extractors.features import Eye
from fhirconv.extractors.kinds import FACT_OF, ONLY_ABSENT
from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.mentions import AGENTS, CLINICAL, Mention
from fhirconv.extractors.tagger import WEIGHTS, Model, learned
from fhirconv.extractors.weighing import Scale

Found = tuple[Sentence, list[Mention]]  # a sentence and what the tables find in it

TOGETHER = 100  # sentences: enough to be fast, and a long text does not fill the memory
EDGES = frozenset(("D", "P", "C", "X", "!", "A", "R", "S", "O", ","))  # no span begins or ends so
EFFECT = "effect"  # what a drug did that nobody wanted
HARMS = "treatments"  # the model that knows of harms
WEAK = ONLY_ABSENT - {"untoward"} | {"test"}  # what a proposal may replace
PASSING = frozenset(("kind", "through"))  # last words that say nothing of what a name is
PROBLEM = CLINICAL | PASSING | {"measure", "marker", "organism"}
COURSE = frozenset(("trend", "status"))  # what verbs tell that are no treatment: exacerbated
FITTING = {  # what the tables may know the last word of a proposal as
    "condition": PROBLEM,
    "finding": PROBLEM,
    "procedure": PASSING | {"procedure"},
    "drug": PASSING | AGENTS,
}


@dataclass(frozen=True, slots=True)
class Proposer:
    """The models that propose mentions, and the scale that weighs words for them."""

    scale: Scale
    models: Sequence[Model]

    @classmethod
    def of(cls, lexicon: Lexicon, folder: Path = WEIGHTS) -> "Proposer":
        """Return the proposer of a lexicon with the weights of a folder, made once."""
        key = f"proposer {folder}"
        if key not in lexicon.memory:
            models, weights = learned(folder)
            lexicon.memory[key] = cls(Scale(Eye.of(lexicon), weights), models)
        return lexicon.memory[key]  # type: ignore[no-any-return]

    def __call__(self, found: Sequence[Found]) -> list[list[Mention]]:
        """Return the mentions of each sentence with those that the models propose."""
        batches = (found[n : n + TOGETHER] for n in range(0, len(found), TOGETHER))
        return [mentions for batch in batches for mentions in self._proposed(batch)]

    def _proposed(self, found: Sequence[Found]) -> list[list[Mention]]:
        """Return the mentions of some sentences, which are weighed together."""
        listed = [list(mentions) for _, mentions in found]
        for sentence, model, span in self._spans(found):
            if span.kind in FACT_OF or span.kind == EFFECT:
                _take(found[sentence][0], span, model, listed[sentence])
            else:
                found[sentence][0].proposed.append(span)
        return [sorted(mentions, key=lambda m: (m.chunk, m.first)) for mentions in listed]

    def _spans(self, found: Sequence[Found]) -> Iterator[tuple[int, Model, Proposal]]:
        """Yield each span that a model proposes: number of the sentence, model, span."""
        sizes = [len(sentence.listed) for sentence, _ in found]
        scores = self.scale.scores([self.scale.eye.look(*one) for one in found])
        ends = list(accumulate(sizes))
        for model in self.models:
            chosen = [n for n, one in enumerate(found) if model.name != HARMS or _may_treat(*one)]
            words = [m for n in chosen for m in range(ends[n] - sizes[n], ends[n])]
            told = model.spans(scores[words], [sizes[n] for n in chosen]) if words else []
            for number, spans in zip(chosen, told, strict=bool(words)):
                for span in spans:
                    yield number, model, span


def _may_treat(sentence: Sentence, found: Sequence[Mention]) -> bool:
    """Say whether a sentence may speak of a drug: a known one, or a dose of an unknown one."""
    return bool(sentence.quantified) or any(mention.kind in AGENTS for mention in found)


def _take(sentence: Sentence, span: Proposal, model: Model, listed: list[Mention]) -> None:
    """Note what a span says of the mentions that take its words; else add a mention of it."""
    first, last = _trimmed(sentence, span)
    around = [m for m in listed if any(first <= n < last for n in m.places)]
    parts = AGENTS if span.kind == "drug" else CLINICAL if span.kind == EFFECT else ()
    for mention in around:
        if mention.kind in parts:
            mention.part = max(mention.part, span.confidence)
    kind = "finding" if span.kind == EFFECT else span.kind
    sure = span.confidence >= model.alone.get(span.kind, 0)
    if first >= last or _contradicted(sentence, kind, last):
        return
    if sure and all(m.kind in WEAK and m.kind != kind for m in around):
        _add(sentence, span._replace(kind=kind, first=first, last=last), model.name, listed, around)


def _add(
    sentence: Sentence, span: Proposal, model: str, listed: list[Mention], around: Sequence[Mention]
) -> None:
    """Add the mention of a span in place of the weak ones around."""
    for mention in around:
        listed.remove(mention)
    first, last = span.first, span.last
    number = next(n for n, c in enumerate(sentence.chunks) if c.first <= last - 1 < c.last)
    start, end = sentence.span(first, last)
    mention = Mention(
        *(sentence, span.kind, first, last, first, number, sentence.text[start:end]),
        *(f"tagger:{model}", False),
        confidence=span.confidence,
    )
    if model == HARMS:
        mention.part = span.confidence
    listed.append(mention)


def _trimmed(sentence: Sentence, span: Proposal) -> tuple[int, int]:
    """Return a span without articles, prepositions and signs at its edges."""
    first, last = span.first, span.last
    while first < last and _is_edge(sentence, first):
        first += 1
    while first < last and _is_edge(sentence, last - 1):
        last -= 1
    return first, last


def _contradicted(sentence: Sentence, kind: str, last: int) -> bool:
    """Say whether the tables know the last word of a span, or a term it ends, as another thing."""
    word, lexicon = sentence.listed[last - 1], sentence.lexicon
    head = lexicon.head(word.key)
    if kind in CLINICAL and lexicon.sites.at([word], 0) is not None:
        return True
    lemma = lexicon.verbs.get(word.low, ("", ""))[0]
    if kind == "procedure" and lexicon.meanings.get(lemma, {}).get("meaning") in COURSE:
        return True
    if any(m.last == last and m.entry.kind not in FITTING[kind] for m in sentence.known):
        return True
    return head is not None and head.kind not in FITTING[kind]


def _is_edge(sentence: Sentence, place: int) -> bool:
    word = sentence.listed[place]
    return sentence.tagged[place] in EDGES or not word.text[0].isalnum()
