"""What the README shows of the code: examples as a user runs them, and the map of modules.

`make readme` (python -m tests.readme) writes both anew.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PACKAGE = PROJECT / "fhirconv"
README = PROJECT / "README.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MAP = re.compile(r"(?:^\| `fhirconv/[\w./]+` \| .+ \|\n)+", re.MULTILINE)
PROMPT = "$ "


def sentence(path: Path) -> str:
    """Return the first paragraph of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def map_of_modules() -> str:
    """Return the rows of the map: every module and package with its sentence."""
    parts = {path.name: sentence(path) for path in PACKAGE.glob("*.py")}
    parts |= {f"{path.parent.name}/": sentence(path) for path in PACKAGE.glob("*/__init__.py")}
    return "".join(f"| `fhirconv/{name}` | {said} |\n" for name, said in sorted(parts.items()))


def commands(block: str) -> Iterator[str]:
    """Yield the commands of a block, without what they print."""
    for line in block.splitlines():
        if line.startswith(PROMPT):
            yield line.removeprefix(PROMPT)


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the shell in a folder; what it says on both streams is one text."""
    scripts = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": scripts + os.pathsep + os.environ["PATH"]}
    environment.pop("SOURCE_DATE_EPOCH", None)
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )


def played(block: str, folder: Path) -> str:
    """Return a block as it stands in the README once its commands have been run in a folder."""
    steps = []
    for command in commands(block):
        said = run(command, folder).stdout
        lines = [line.rstrip() for line in said.splitlines()]
        steps.append("\n".join([PROMPT + command, *lines]) + "\n")
    return "\n".join(steps)


def rewrite() -> None:
    """Write the examples anew, in order and in one folder that holds the samples, and the map."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(PROJECT / "samples", folder / "samples")
        text = README.read_text(encoding="utf-8")
        text = BLOCK.sub(lambda m: f"```console\n{played(m[1], folder)}```", text)
        text = MAP.sub(lambda _: map_of_modules(), text)
        README.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    rewrite()
