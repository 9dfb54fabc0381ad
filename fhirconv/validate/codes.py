"""Is a code well formed for its code system: check digits and shapes, no terminology server."""

import re
from collections.abc import Callable
from functools import partial

from fhirconv.errors import TableError
from fhirconv.validate.ucum import unit_problem

# Each problem completes "the code 'x' ..."; an empty one means that the code is well formed.
Check = Callable[[str], str]

IDENTIFIER = re.compile(r"[1-9][0-9]{5,17}")
EXPRESSION = re.compile("[:+=|]")
TERM = re.compile(r"\|[^|]*\|")
CONCEPT_PARTITIONS = ("00", "10")
NUMBERED = re.compile(r"([1-9][0-9]{0,6})-([0-9])")
PARTS = re.compile(r"(LP|LA|LL|LG)[0-9]+-[0-9]|MTHU[0-9]+")

DIHEDRAL = tuple(  # the group D5: row times column
    tuple(5 * ((a // 5 + b // 5) % 2) + (a + (b if a < 5 else -b)) % 5 for b in range(10))
    for a in range(10)
)
PERMUTATION = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def verhoeff(code: str) -> str:
    """Check a SNOMED CT concept id, or each id of an expression of several (`id:id=id`)."""
    if not EXPRESSION.search(code):
        return concept_problem(code)
    listed = re.findall(r"[0-9]+", TERM.sub("", code))
    problems = ((found, concept_problem(found)) for found in listed)
    return next((f"holds {found}, which {problem}" for found, problem in problems if problem), "")


def concept_problem(code: str) -> str:
    """Say what is wrong with an id: its length, its Verhoeff check digit, its partition."""
    if not IDENTIFIER.fullmatch(code):
        return "is not a number of 6 to 18 digits"
    if verhoeff_sum(code) != 0:
        return "has a wrong check digit (Verhoeff)"
    if code[-3:-1] not in CONCEPT_PARTITIONS:
        return f"is no id of a concept: its partition is {code[-3:-1]}, not 00 or 10"
    return ""


def verhoeff_sum(digits: str) -> int:
    """Return the Verhoeff sum of a number with its check digit: 0 where it is right."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit)
        for _ in range(position % 8):
            value = PERMUTATION[value]
        total = DIHEDRAL[total][value]
    return total


def loinc(code: str) -> str:
    """Check a LOINC code: number, hyphen, check digit (mod 10); parts and answers by their form."""
    found = NUMBERED.fullmatch(code)
    if not found:
        return "" if PARTS.fullmatch(code) else "is not a number, a hyphen and a check digit"
    wanted = luhn_digit(found[1])
    return "" if found[2] == wanted else f"has a wrong check digit, {wanted} is right (mod 10)"


def luhn_digit(digits: str) -> str:
    """Return the check digit of a number by the algorithm mod 10."""
    doubled = [int(d) * (2 - n % 2) for n, d in enumerate(reversed(digits))]
    return str(-sum(d // 10 + d % 10 for d in doubled) % 10)


def shape(pattern: str, words: str, code: str) -> str:
    """Check that a code has a shape, told in words where it has not."""
    return "" if re.fullmatch(pattern, code) else f"is not {words}"


def obo(prefix: str) -> Check:
    """Return the check of an OBO ontology whose codes carry their prefix."""
    return partial(shape, prefix + r":[0-9]{7}", f"{prefix}: and seven digits")


CHECKS: dict[str, Check] = {
    "verhoeff": verhoeff,
    "loinc": loinc,
    "icd-10-cm": partial(
        shape,
        r"[A-Z][0-9A][0-9AB](\.[0-9A-Z]{1,4})?",
        "a letter, two digits (or A, B) and up to four characters after a dot",
    ),
    "digits": partial(shape, r"[1-9][0-9]{0,7}", "a number of up to eight digits"),
    "ncit": partial(shape, r"C[1-9][0-9]{1,5}", "C and a number of up to six digits"),
    "mesh": partial(shape, r"[CDQ][0-9]{6}([0-9]{3})?", "C, D or Q and six or nine digits"),
    "hp": obo("HP"),
    "mondo": obo("MONDO"),
    "maxo": obo("MAXO"),
    "cl": obo("CL"),
    "uberon": obo("UBERON"),
    "ucum": unit_problem,
}


def code_problem(check: str, code: str) -> str:
    """Say what is wrong with the form of a code, '' where nothing is or no check is asked for."""
    if check and check not in CHECKS:
        known = ", ".join(sorted(CHECKS))
        raise TableError(f"no check of codes is called {check!r} (known: {known})", "systems.csv")
    return CHECKS[check](code) if check else ""
