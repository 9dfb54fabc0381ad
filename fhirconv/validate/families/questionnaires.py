"""Questionnaires: what enables a question is another one, above it and not inside it."""

from collections.abc import Iterator

from fhirconv.validate.scope import Node, Problem, Scope, error, nodes, quoted, warning

Step = str | int
Item = tuple[Node, tuple[Step, ...], tuple[int, ...]]  # with its steps, and its numbers from above


def questionnaire(value: Node, scope: Scope) -> Iterator[Problem]:
    """Check what enables items (questionnaire.html, item.enableWhen.question)."""
    items = list(walk(value))
    order = {id(item): n for n, (item, _, _) in enumerate(items)}
    by_link = {str(item.get("linkId")): (item, path) for item, _, path in reversed(items)}
    for item, steps, path in items:
        for index, condition in enumerate(nodes(item, "enableWhen")):
            question = condition.get("question")
            if isinstance(question, str):
                problem = _condition(item, path, question, by_link, order)
                if problem:
                    problem.steps = [*problem.steps, index, "enableWhen", *reversed(steps)]
                    yield problem


def walk(value: Node) -> Iterator[Item]:
    """Yield every item below a questionnaire, in its order."""
    ahead = _items(value, (), ())
    while ahead:
        found = ahead.pop()
        yield found
        ahead.extend(_items(*found))


def _items(value: Node, steps: tuple[Step, ...], path: tuple[int, ...]) -> list[Item]:
    listed = enumerate(nodes(value, "item"))
    return [(i, (*steps, "item", n), (*path, n)) for n, i in listed][::-1]


def _condition(
    item: Node,
    path: tuple[int, ...],
    question: str,
    by_link: dict[str, tuple[Node, tuple[int, ...]]],
    order: dict[int, int],
) -> Problem | None:
    """Check the question that a condition asks for."""
    target = by_link.get(question)
    if target is None:
        return error("not-found", f"no item has the linkId {quoted(question)}", "question")
    other, where = target
    if other is item:
        return error("business-rule", "an item cannot be enabled by itself", "question")
    if where[: len(path)] == path:
        message = f"{quoted(question)} is inside the item that it is to enable"
        return error("business-rule", message, "question")
    if order[id(other)] > order[id(item)]:
        message = f"{quoted(question)} stands behind the item that it is to enable"
        return warning("business-rule", message, "question")
    return None
