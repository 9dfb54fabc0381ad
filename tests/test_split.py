"""A Bundle over a server's limit: its parts are the whole, and none lacks what it refers to."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirconv.outcome import Issue
from fhirconv.references import address_of, groups, references, targets
from fhirconv.split import NO_LIMIT, Limit, part, portions

Resource = dict[str, Any]

KINDS = ("Patient", "MedicationAdministration", "Observation")


def bundle_of(leads: list[set[int]], words: list[int], posted: frozenset[int]) -> Resource:
    """Return a transaction whose entries refer to others; those posted have no address."""
    entries = []
    for number, found in enumerate(leads):
        kind = KINDS[number % len(KINDS)]
        resource: Resource = {"resourceType": kind, "id": f"r{number}", "text": "x" * words[number]}
        resource["part"] = [{"reference": f"urn:uuid:r{target}"} for target in sorted(found)]
        request = {"method": "PUT", "url": f"{kind}/r{number}"}
        if number in posted:
            request = {"method": "POST", "url": kind}
        entries.append({"fullUrl": f"urn:uuid:r{number}", "resource": resource, "request": request})
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


@st.composite
def bundles(draw: st.DrawFn) -> Resource:
    """Make bundles of any shape: chains, circles, entries that the server is to name."""
    count = draw(st.integers(1, 12))
    numbers = st.sets(st.integers(0, count - 1), max_size=4)
    leads = draw(st.lists(numbers, min_size=count, max_size=count))
    words = draw(st.lists(st.integers(0, 300), min_size=count, max_size=count))
    return bundle_of(leads, words, frozenset(draw(st.sets(st.integers(0, count - 1), max_size=2))))


limits = st.builds(Limit, st.integers(300, 6000), st.integers(0, 12))


def size(bundle: Resource) -> int:
    """Return the bytes of a bundle as it is sent."""
    return len(json.dumps(bundle, separators=(",", ":")).encode())


def home(entry: Resource) -> str:
    """Return where a server has put an entry: what it is to name has the longest of ids."""
    kind, name = entry["resource"]["resourceType"], entry["fullUrl"].removeprefix("urn:uuid:")
    return address_of(entry) or f"{kind}/{name:x>64}"


def homes(entries: list[Resource]) -> dict[str, str]:
    """Return where a server has put entries, by their full URLs."""
    return {entry["fullUrl"]: home(entry) for entry in entries}


def split(bundle: Resource, limit: Limit) -> list[Resource] | Issue:
    """Return the parts of a bundle as they are sent one after the other."""
    cut = portions(bundle, limit)
    if isinstance(cut, Issue):
        return cut
    parts, sent = [], dict[str, str]()
    for numbers in cut:
        parts.append(part(bundle, numbers, sent))
        sent |= homes([bundle["entry"][number] for number in numbers])
    return parts


def original(sent: Resource, led: dict[str, str]) -> list[Resource]:
    """Return the entries of a part as they were in the whole."""
    text = json.dumps(sent["entry"])
    for url, address in led.items():
        text = text.replace(f'"reference": "{address}"', f'"reference": "{url}"')
    listed: list[Resource] = json.loads(text)
    return listed


@settings(deadline=None)
@given(bundles(), limits)
def test_the_parts_are_the_whole_in_its_order(bundle: Resource, limit: Limit) -> None:
    parts = split(bundle, limit)
    if isinstance(parts, list):
        led = homes(bundle["entry"])
        found = [entry for one in parts for entry in original(one, led)]
        assert sorted(found, key=json.dumps) == sorted(bundle["entry"], key=json.dumps)
        order = [entry["fullUrl"] for entry in bundle["entry"]]
        for one in parts:
            places = [order.index(entry["fullUrl"]) for entry in one["entry"]]
            assert all(before < after for before, after in pairwise(places))


@settings(deadline=None)
@given(bundles(), limits)
def test_each_part_is_within_the_limit(bundle: Resource, limit: Limit) -> None:
    parts = split(bundle, limit)
    if isinstance(parts, list):
        assert all(limit.allows(size(one), len(one["entry"])) for one in parts)
    else:
        assert not limit.allows(size(bundle), len(bundle["entry"]))


@settings(deadline=None)
@given(bundles(), limits)
def test_a_part_refers_to_itself_and_to_earlier_parts_only(bundle: Resource, limit: Limit) -> None:
    parts = split(bundle, limit)
    sent: set[str] = set()
    for one in parts if isinstance(parts, list) else ():
        own = {entry["fullUrl"] for entry in one["entry"]}
        said = set(references([entry["resource"] for entry in one["entry"]]))
        assert said <= own | sent
        sent |= set(homes(one["entry"]).values())


@settings(deadline=None)
@given(bundles())
def test_without_a_limit_a_bundle_stays_as_it_is(bundle: Resource) -> None:
    assert split(bundle, NO_LIMIT) == [bundle]
    assert split(bundle, Limit(size(bundle))) == [bundle]
    parts = split(bundle, Limit(0, len(bundle["entry"])))
    assert parts == [bundle]


@settings(deadline=None)
@given(bundles())
def test_groups_stand_after_what_they_refer_to_and_hold_the_circles(bundle: Resource) -> None:
    leads = targets(bundle["entry"])
    made = groups(leads)
    place = {number: index for index, group in enumerate(made) for number in group}
    assert sorted(place) == list(range(len(leads)))
    reach = [_reach(leads, number) for number in range(len(leads))]
    for number, found in enumerate(reach):
        for target in found:
            assert place[target] <= place[number]
            assert (place[target] == place[number]) == (number in reach[target] | {target})


def _reach(leads: list[set[int]], start: int) -> set[int]:
    found, todo = set(), [start]
    while todo:
        for number in leads[todo.pop()] - found:
            found.add(number)
            todo.append(number)
    return found


def test_a_long_chain_is_cut_too() -> None:
    count = 3000
    leads = [{number + 1} if number + 1 < count else {0} for number in range(count)]
    assert groups(leads) == [list(range(count))]
    leads[-1] = set()
    parts = split(bundle_of(leads, [0] * count, frozenset()), Limit(0, 1000))
    assert isinstance(parts, list)
    assert [len(one["entry"]) for one in parts] == [1000] * 3


PAIR = bundle_of([{1}, {0}, {0}], [1000, 10, 10], frozenset())

# a bundle, a limit, what is said of it, where
TOO_LARGE = (
    (
        PAIR,
        Limit(entries=1),
        "the 2 entries around Patient/r0 must be sent together: they have 1,451 bytes and "
        "2 entries, and the server takes 1 entry at once",
        "Bundle.entry[0]",
    ),
    (
        bundle_of([set(), set()], [10, 900], frozenset()),
        Limit(size=500),
        "MedicationAdministration/r1 alone has 1,131 bytes and 1 entry, and the server takes "
        "500 bytes at once",
        "Bundle.entry[1]",
    ),
)


@pytest.mark.parametrize(("bundle", "limit", "message", "where"), TOO_LARGE)
def test_what_cannot_be_cut_is_one_sentence(
    bundle: Resource, limit: Limit, message: str, where: str
) -> None:
    assert split(bundle, limit) == Issue("error", "too-long", message, where)
