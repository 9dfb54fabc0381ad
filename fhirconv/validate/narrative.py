"""The narrative: is it sound XHTML with words in it, and nothing that acts or loads."""

import re
from functools import lru_cache
from typing import Any

from fhirconv.validate.definitions import Definitions
from fhirconv.validate.nesting import link_problem, nesting_problem
from fhirconv.validate.scope import Problem, Scope, error, quoted, warning

NAMESPACE = "{http://www.w3.org/1999/xhtml}"
XML = "{http://www.w3.org/XML/1998/namespace}"
DECLARATION = re.compile(r"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
EVERY = "*"  # the row of attributes that every element may have
LINKS = ("href", "src", "cite", "longdesc")
SCHEMES = ("javascript:", "vbscript:", "data:text")


def problems(text: str, scope: Scope) -> list[Problem]:
    """Check the div of a narrative; what is wrong with it is one problem, the first found.

    FHIR's rules txt-1 (basic formatting only) and txt-2 (some content).
    """
    from lxml import etree

    problem = "the narrative must not declare a document type or an entity"
    if not DECLARATION.search(text):
        parser = _parser()
        try:
            root = etree.fromstring(text.encode(), parser)
            problem = _problem(root, scope)
        except etree.XMLSyntaxError as trouble:
            problem = f"the narrative is no well-formed XHTML: {trouble.msg}"
    return [error("invalid", problem)] if problem else _language(root, scope)


@lru_cache(maxsize=1)
def _parser() -> Any:
    from lxml import etree

    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


def _problem(root: Any, scope: Scope) -> str:
    if root.tag != f"{NAMESPACE}div":
        return f"the narrative is a div of XHTML, found {quoted(_local(root.tag))} (txt-1)"
    plain = _plain(scope.definitions)
    for element in root.iter():
        if element.tag not in plain or element.keys():
            problem = _element_problem(element, scope)
            if problem:
                return problem
    problem = (nesting_problem(root, scope) or link_problem(root, scope)) if len(root) else ""
    if problem:
        return f"in the narrative {problem} (txt-1)"
    if not "".join(root.itertext()).strip() and root.find(f".//{NAMESPACE}img") is None:
        return "the narrative has no content but white space (txt-2)"
    return ""


@lru_cache(maxsize=8)
def _plain(definitions: Definitions) -> frozenset[str]:
    """Return the tags that a narrative may hold, as the parser names them."""
    return frozenset(NAMESPACE + name for name in definitions.xhtml if name != EVERY)


def _element_problem(element: Any, scope: Scope) -> str:
    """Say what an element of a narrative must not be or have."""
    known = scope.definitions.xhtml
    if not isinstance(element.tag, str):  # a comment, an instruction, an unread entity
        return "" if _is_comment(element) else f"the narrative holds {quoted(str(element))}"
    name = _local(element.tag)
    if not element.tag.startswith(NAMESPACE) or name not in known or name == EVERY:
        return f"the narrative must not hold the element {quoted(name)} (txt-1)"
    for attribute, value in element.attrib.items():
        short = attribute.replace(XML, "xml:")
        if short not in known[name] and short not in known[EVERY]:
            return f"in the narrative {name} must not have the attribute {quoted(short)} (txt-1)"
        if short in LINKS and value.strip().casefold().startswith(SCHEMES):
            return f"the narrative must not link to {quoted(value)} (txt-1)"
    return ""


def _is_comment(node: Any) -> bool:
    from lxml import etree

    return node.tag is etree.Comment


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _language(root: Any, scope: Scope) -> list[Problem]:
    """Warn where the resource has a language and the narrative says none or another."""
    language = scope.resource.get("language")
    said = (root.get("lang"), root.get(f"{XML}lang"))
    if isinstance(language, str) and any(given != language for given in said):
        message = f"the resource is in {language!r}: the div needs lang and xml:lang of it"
        return [warning("business-rule", message)]
    return []
