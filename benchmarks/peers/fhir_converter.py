"""python-fhir-converter's part of the benchmark: a facts document through a Liquid template."""

import json
import sys
from pathlib import Path

folder = sys.path.pop(0)  # this file is called as the package is

from fhir_converter.renderers import Stu3FhirRenderer, make_environment  # noqa: E402
from liquid.loaders import DictLoader  # noqa: E402

from benchmarks.convert import measure  # noqa: E402

TEMPLATES = {"facts": (Path(folder) / "facts.liquid").read_text(encoding="utf-8")}
RENDERER = Stu3FhirRenderer(make_environment(loader=DictLoader(TEMPLATES)))


def convert(line):
    """Return how many resources a document makes, and their bytes."""
    bundle = RENDERER.render_to_fhir("facts", line.decode())
    return len(bundle["entry"]), len(json.dumps(bundle, ensure_ascii=False).encode())


if __name__ == "__main__":
    print(json.dumps(measure(convert, Path(sys.argv[1]))))
