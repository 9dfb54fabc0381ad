"""The agreement with HL7's own validator is as its page says; Java runs it."""

from pathlib import Path

from tools.hl7_agreement import PAGE, RELEASES, page, verdicts


def test_the_page_is_what_both_validators_say(hl7_validator) -> None:
    found = [v for release in RELEASES for v in verdicts(release, hl7_validator(release))]
    assert page(found) == PAGE.read_text(encoding="utf-8")
    assert not [v.name for v in found if v.source == "samples" and v.ours]
    assert Path(PAGE).is_file()
