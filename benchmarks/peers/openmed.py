"""OpenMed's part of the benchmark: spans with their codes to a bundle, by its to_fhir."""

import json
import sys
from pathlib import Path

folder = sys.path.pop(0)  # this file is called as the package is

from openmed.clinical.exporters.fhir.facade import to_fhir  # noqa: E402
from openmed.clinical.grounding.types import Candidate, GroundedSpan  # noqa: E402

from benchmarks.convert import measure  # noqa: E402

SYSTEMS = {  # the code systems that it knows
    "http://snomed.info/sct": "SNOMED",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD10CM",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RXNORM",
    "http://loinc.org": "LOINC",
    "http://purl.obolibrary.org/obo/hp.owl": "HPO",
}
LABELS = {
    "condition": "CONDITION",
    "adverse_event": "CONDITION",
    "procedure": "PROCEDURE",
    "medication": "MEDICATION",
    "finding": "LAB_TEST",
    "status_change": "LAB_TEST",
}


def convert(line):
    """Return how many resources a document makes, and their bytes."""
    document = json.loads(line)
    spans = [span(fact) for fact in document["facts"] if fact["kind"] in LABELS]
    distinct = {(each.canonical_label, each.start, each.end): each for each in spans}
    bundle = to_fhir(distinct.values(), doc_id=document["source"]["uri"])
    return len(bundle["entry"]), len(json.dumps(bundle, ensure_ascii=False).encode())


def span(fact):
    """Return a fact as what to_fhir takes."""
    quote = fact["evidence"][0]
    found = tuple(
        Candidate(SYSTEMS[code["system"]], code["code"], code.get("display", ""), 1.0)
        for code in fact["codes"]
        if code["system"] in SYSTEMS
    )
    return GroundedSpan(
        fact["label"], quote["start"], quote["end"], found, canonical_label=LABELS[fact["kind"]]
    )


if __name__ == "__main__":
    print(json.dumps(measure(convert, Path(sys.argv[1]))))
