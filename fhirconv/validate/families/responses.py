"""QuestionnaireResponses against their Questionnaire: items, order, types, options, limits."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from fhirconv.validate.families.answers import answer_problems, limits_of
from fhirconv.validate.families.steps import step_of
from fhirconv.validate.scope import Node, Problem, Scope, error, nodes, quoted, warning

FINISHED = ("completed", "amended")
NEVER = ("entered-in-error",)
ANSWER = "QuestionnaireResponse.item.answer"
GROUP, DISPLAY = "group", "display"
Compare = Callable[[Any, Any], bool | None]


def questionnaire_response(value: Node, scope: Scope) -> Iterator[Problem]:
    """Check a QuestionnaireResponse against its Questionnaire (questionnaireresponse.html).

    The Questionnaire is one that the response contains, or one of the Bundle around it; without
    it nothing is compared.
    """
    if value.get("status") in NEVER:
        return
    found = _questionnaire(value, scope)
    if found is not None:
        yield from Response(found, value, scope).problems()


def _questionnaire(value: Node, scope: Scope) -> Node | None:
    """Return the questionnaire that a response names, where it is here."""
    url = value.get("questionnaire")
    if not isinstance(url, str):
        return None
    plain = url.partition("|")[0]
    if plain.startswith("#"):
        around = nodes(scope.container or value, "contained")
        return next((r for r in around if _is(r) and r.get("id") == plain[1:]), None)
    entries = scope.index.entries if scope.index else ()
    resources = (entry.get("resource") for entry in entries)
    here = (r for r in resources if isinstance(r, dict) and _is(r))
    return next((r for r in here if r.get("url") == plain), None)


def _is(resource: Node) -> bool:
    return resource.get("resourceType") == "Questionnaire"


class Response:
    """One response, and the questionnaire that it answers."""

    def __init__(self, questionnaire: Node, response: Node, scope: Scope) -> None:
        self.questionnaire = questionnaire
        self.response = response
        self.scope = scope
        self.finished = response.get("status") in FINISHED
        self.answers: dict[str, list[Any]] = {}
        self._gather(response)
        self.asked = {str(i.get("linkId")): i for i in _below(questionnaire)}

    def _gather(self, response: Node) -> None:
        """Note every answer by its linkId, which conditions ask for."""
        for item in _below(response, answers=True):
            values = [_value(answer)[1] for answer in nodes(item, "answer")]
            self.answers.setdefault(str(item.get("linkId")), []).extend(values)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the response."""
        yield from self._level(nodes(self.questionnaire, "item"), self.response)

    def _level(self, asked: list[Node], holder: Node) -> Iterator[Problem]:
        """Compare the items of one level, in a response, an item or an answer, with those asked."""
        order = {str(item.get("linkId")): n for n, item in enumerate(asked)}
        found: dict[str, list[tuple[int, Node]]] = {}
        last = -1
        for index, item in enumerate(nodes(holder, "item")):
            link = str(item.get("linkId"))
            place = order.get(link)
            if place is None:
                yield self._stray(link, index)
                continue
            if place < last:
                message = f"the item {quoted(link)} stands behind what follows it in the question"
                yield error("structure", f"{message}naire", "item", index)
            last = max(last, place)
            found.setdefault(link, []).append((index, item))
        for question in asked:
            yield from self._items(question, found.get(str(question.get("linkId")), []))

    def _stray(self, link: str, index: int) -> Problem:
        where = "stands at another place of" if link in self.asked else "is not in"
        message = f"the linkId {quoted(link)} {where} the questionnaire"
        return error("structure", message, "item", index, "linkId")

    def _items(self, question: Node, found: list[tuple[int, Node]]) -> Iterator[Problem]:
        """Check the items of one question: as many as there may be, enabled, each sound."""
        link, enabled = str(question.get("linkId")), self.is_enabled(question)
        if not found:
            if enabled and question.get("required") is True:
                tell = error if self.finished else warning
                yield tell("required", f"the required item {quoted(link)} is not answered")
            return
        grouped = question.get("type") == GROUP and question.get("repeats") is True
        if len(found) > 1 and not grouped:
            message = f"the item {quoted(link)} stands {len(found)} times, it may once"
            yield error("structure", message, "item", found[1][0])
        for index, item in found:
            for problem in self._item(question, item, enabled):
                problem.steps.extend((index, "item"))
                yield problem

    def _item(self, question: Node, item: Node, enabled: bool) -> Iterator[Problem]:
        link, kind, answers = (
            quoted(item.get("linkId")),
            question.get("type"),
            nodes(item, "answer"),
        )
        if not enabled and (answers or "item" in item):
            yield error("business-rule", f"the item {link} is answered, but not enabled")
        text, wanted = item.get("text"), question.get("text")
        if isinstance(text, str) and isinstance(wanted, str) and text.strip() != wanted.strip():
            message = f"the text of {link} is {quoted(text)}, asked is {quoted(wanted)}"
            yield error("business-rule", message, "text")
        asked = nodes(question, "item")
        if kind in (GROUP, DISPLAY):
            if answers:
                yield error("structure", f"the item {link} is of type {kind}, which has no answer")
            yield from self._group(question, item, asked, enabled)
            return
        yield from self._answered(question, item, answers, enabled)
        if "item" in item:
            message = f"{link} is a question: what is asked below it stands in its answer"
            yield error("structure", message, "item")
        for index, answer in enumerate(answers):
            for problem in self._level(asked, answer) if "item" in answer else ():
                problem.steps.extend((index, "answer"))
                yield problem

    def _group(
        self, question: Node, item: Node, asked: list[Node], enabled: bool
    ) -> Iterator[Problem]:
        if question.get("type") == GROUP and enabled:
            if question.get("required") is True and not nodes(item, "item") and self.finished:
                yield error("required", f"the group {quoted(item.get('linkId'))} is empty")
            yield from self._level(asked, item)

    def _answered(
        self, question: Node, item: Node, answers: list[Node], enabled: bool
    ) -> Iterator[Problem]:
        """Check the answers of a question: how many, and each one."""
        link = quoted(item.get("linkId"))
        given = [answer for answer in answers if _value(answer)[0]]
        if enabled and question.get("required") is True and not given:
            tell = error if self.finished else warning
            yield tell("required", f"the required item {link} is not answered")
        if len(answers) > 1 and question.get("repeats") is not True:
            yield error("structure", f"the item {link} has {len(answers)} answers, it may have one")
        limits = limits_of(question, self.scope)
        low, high = limits.get("fewest"), limits.get("most")
        if isinstance(high, int) and len(answers) > high:
            yield error("structure", f"{link} has {len(answers)} answers, at most {high} may stand")
        if isinstance(low, int) and answers and len(answers) < low:
            yield error(
                "structure", f"{link} has {len(answers)} answers, at least {low} must stand"
            )
        for index, answer in enumerate(answers):
            name, value = _value(answer)
            for problem in answer_problems(question, name, value, limits, self) if name else ():
                problem.steps[0] = step_of(ANSWER, name, self.scope.definitions)
                problem.steps.extend((index, "answer"))
                yield problem

    def contained(self) -> list[Node]:
        """Return the resources that the questionnaire, or the response around it, contains."""
        return [*nodes(self.questionnaire, "contained"), *nodes(self.response, "contained")]

    def is_enabled(self, question: Node) -> bool:
        """Say whether a question is enabled by the answers (Questionnaire.item.enableWhen)."""
        conditions = nodes(question, "enableWhen")
        if not conditions:
            return True
        held = [self._holds(condition) for condition in conditions]
        return all(held) if question.get("enableBehavior") == "all" else any(held)

    def _holds(self, condition: Node) -> bool:
        given = self.answers.get(str(condition.get("question")), [])
        given = [value for value in given if value is not None]
        name = next((n for n in condition if n.startswith("answer")), "")
        wanted, operator = condition.get(name), str(condition.get("operator"))
        if operator == "exists":
            return bool(given) == (wanted is True)
        if operator == "!=":
            return bool(given) and not any(same(value, wanted) for value in given)
        return any(OPERATORS.get(operator, _unknown)(value, wanted) for value in given)


def _below(value: Node, answers: bool = False) -> Iterator[Node]:
    """Yield every item below an object, those in answers too if asked."""
    ahead = nodes(value, "item")[::-1]
    while ahead:
        item = ahead.pop()
        yield item
        ahead.extend(nodes(item, "item")[::-1])
        for answer in nodes(item, "answer") if answers else ():
            ahead.extend(nodes(answer, "item")[::-1])


def _value(answer: Node) -> tuple[str, Any]:
    """Return the name in JSON and the value of an answer; ('', None) where it has none."""
    name = next((n for n in answer if n.startswith("value")), "")
    return name, answer.get(name)


def same(value: Any, wanted: Any) -> bool:
    """Say whether an answer is the one that is asked for; of codes, system and code count."""
    if isinstance(value, dict) and isinstance(wanted, dict):
        names = ("system", "code") if "code" in wanted else ("value", "unit", "reference")
        return all(value.get(name) == wanted.get(name) for name in names if name in wanted)
    return bool(value == wanted)


def _number(value: Any) -> Any:
    """Return what of an answer can be put in order: a number, or the text of a date."""
    found = value.get("value") if isinstance(value, dict) else value
    try:
        return found if isinstance(found, str) else Decimal(str(found))
    except (InvalidOperation, TypeError, ValueError):
        return None


def ordered(compare: Callable[[Any, Any], bool]) -> Compare:
    """Return a comparison of answers that says None where they are not of one kind."""

    def answer(value: Any, wanted: Any) -> bool | None:
        left, right = _number(value), _number(wanted)
        if left is None or right is None or isinstance(left, str) != isinstance(right, str):
            return None
        return compare(left, right)

    return answer


def _unknown(value: Any, wanted: Any) -> bool:
    return True


OPERATORS: Mapping[str, Compare] = {
    "=": same,
    ">": ordered(lambda a, b: bool(a > b)),
    "<": ordered(lambda a, b: bool(a < b)),
    ">=": ordered(lambda a, b: bool(a >= b)),
    "<=": ordered(lambda a, b: bool(a <= b)),
}
