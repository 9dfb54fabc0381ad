"""Real FHIR servers and HL7's own validator, built and started for the tests that ask for them.

By hand, from the project's folder:
    python -m tests.hapi_servers R4 [PORT]          a HAPI server to play with, until Ctrl-C
    python -m tests.hapi_servers validate FILE...   what HAPI and HL7's validator say of bundles
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

PROJECT = Path(__file__).parent / "hapi"
TARGET = PROJECT / "target"
FHIR = "application/fhir+json"
MEMORY = ("-Xmx2g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
LONGEST_START = 300  # seconds; ten on an idle machine

# HL7's definitions as npm has them, all CC0; the R4 examples hold R4's whole conformance set.
CROSS_VERSION = "hl7.fhir.xver-extensions@0.1.0"
PACKAGES = {
    "R4": (
        "hl7.fhir.r4.examples@4.0.1",
        "hl7.terminology.r4@7.0.1",
        "hl7.fhir.uv.extensions.r4@5.3.0-ballot-tc1",
    ),
    "R5": (
        "hl7.fhir.r5.core@5.0.0",
        "hl7.terminology.r5@7.0.1",
        "hl7.fhir.uv.extensions.r5@5.3.0-ballot-tc1",
    ),
}
CORE = {
    "hl7.fhir.r4.examples": "hl7.fhir.r4.core",
    "hl7.fhir.r5.core": "hl7.fhir.r5.core",
}
DEFINITIONS = re.compile(
    r"(StructureDefinition|ValueSet|CodeSystem|ConceptMap|NamingSystem|SearchParameter)-.*\.json"
    r"|xver-paths-.*\.json"
)

# How Maven and npm say that they could not fetch something.
UNREACHABLE = re.compile(
    r"could not (resolve|transfer)|unknown host|offline mode|non-resolvable"
    r"|ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|E404",
    re.IGNORECASE,
)

SEVERITIES = ("fatal", "error", "warning", "information", "success")

Resource = dict[str, Any]
IssueList = list[dict[str, Any]]
Validator = Callable[[Resource | Path], IssueList]


class MissingError(Exception):
    """Something that a real server needs is not on this machine."""


# ---- what stands on the machine


def tool(name: str) -> str:
    """Find a program, by the name that this system starts it by."""
    found = shutil.which(name)
    if found is None:
        raise MissingError(f"{name} is not installed")
    return found


def java() -> str:
    """Find Java 17 or newer."""
    program = tool("java")
    answer = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    version = re.search(r'version "(\d+)', answer.stderr)
    if version is None or int(version[1]) < 17:
        raise MissingError(f"Java 17 or newer is needed, {program} says {answer.stderr.strip()!r}")
    return program


def run(*command: str, cwd: Path = PROJECT) -> None:
    """Run a program to its end; raise MissingError where it fails for want of the network."""
    answer = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if answer.returncode:
        words = (answer.stdout + answer.stderr)[-2000:]
        kind = MissingError if UNREACHABLE.search(words) else RuntimeError
        raise kind(f"{' '.join(command)} failed with {answer.returncode}: {words}")


@contextmanager
def made(folder: Path) -> Iterator[Path]:
    """Give a scratch folder that becomes `folder` once it is whole; another run may be faster."""
    TARGET.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=TARGET))
    try:
        yield scratch
        if not folder.exists():
            scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


# ---- the build: Java by Maven, definitions by npm


def class_path() -> str:
    """Build the Java side unless it is built; give its class path."""
    sources = [PROJECT / "pom.xml", *sorted((PROJECT / "src").rglob("*.*"))]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    folder = TARGET / f"java-{digest[:12]}"
    if not stands(folder):
        shutil.rmtree(folder, ignore_errors=True)
        with made(folder) as scratch:
            run(tool("mvn"), "-q", "-B", "process-classes", f"-Dtarget={scratch}")
    return os.pathsep.join([str(folder / "classes"), (folder / "classpath.txt").read_text()])


def stands(folder: Path) -> bool:
    """Say whether a build is there, and the libraries in Maven's repository that it refers to."""
    listed = folder / "classpath.txt"
    return listed.is_file() and all(
        Path(library).is_file() for library in listed.read_text().split(os.pathsep)
    )


def package_home() -> Path:
    """Fetch HL7's definitions unless they are there; give the home folder whose cache has them."""
    wanted = sorted({CROSS_VERSION, *PACKAGES["R4"], *PACKAGES["R5"]})
    digest = hashlib.sha256(" ".join(wanted).encode()).hexdigest()
    home = TARGET / f"definitions-{digest[:12]}"
    if not home.exists():
        with made(home) as scratch:
            run(tool("npm"), "pack", "--silent", *wanted, cwd=scratch)
            for archive in scratch.glob("*.tgz"):
                unpack(archive, scratch / ".fhir" / "packages")
                archive.unlink()
    return home


def unpack(archive: Path, cache: Path) -> str:
    """Put the definitions of an npm package where a FHIR package cache has them; give its name.

    Examples are left out, and dependencies too: they would be fetched from the network.
    """
    with tarfile.open(archive) as files:
        manifest = json.loads(read(files, "package/package.json"))
        if manifest["name"] in CORE:
            manifest |= {"name": CORE[manifest["name"]], "type": "Core"}
        manifest.pop("dependencies", None)
        folder = cache / f"{manifest['name']}#{manifest['version']}" / "package"
        for name in files.getnames():
            if DEFINITIONS.fullmatch(name.rpartition("/")[2]):
                write(folder / name.removeprefix("package/"), read(files, name))
    write(folder / "package.json", json.dumps(manifest).encode())
    return folder.parent.name


def read(files: tarfile.TarFile, name: str) -> bytes:
    """Read one file of an archive."""
    opened = files.extractfile(name)
    if opened is None:
        raise MissingError(f"{name} is no file of the package {files.name!r}")
    with opened:
        return opened.read()


def write(path: Path, content: bytes) -> None:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


# ---- the programs


class Program:
    """A Java program of ours that says `ready ...` and lives as long as its standard input."""

    def __init__(self, log: str, *arguments: str) -> None:
        """Start it, and wait until it is ready; `greeting` is what it says after that word."""
        libraries = class_path()
        self.log = TARGET / log
        with self.log.open("wb") as errors:
            self.process = subprocess.Popen(
                [java(), *MEMORY, "-cp", libraries, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=PROJECT,
                text=True,
                encoding="utf-8",
            )
        patience = threading.Timer(LONGEST_START, self.process.kill)
        patience.start()
        try:
            self.greeting = self.line("ready ")
        finally:
            patience.cancel()

    def line(self, beginning: str = "") -> str:
        """Give the rest of the next line that begins so; raise with the log's end if none comes."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(beginning):
                return line.removeprefix(beginning).rstrip("\n")
        self.stop()
        last = self.log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"a Java program stopped, {self.log} ends with: {last}")

    def ask(self, question: str) -> str:
        """Write a line, and give the line that answers it."""
        assert self.process.stdin is not None
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        return self.line()

    def stop(self) -> None:
        """Close its standard input, and see it end."""
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def running(log: str, *arguments: str) -> Iterator[Program]:
    """Run a Java program of ours; its log stays only where it failed."""
    program = Program(f"{log}-{os.getpid()}.log", *arguments)
    try:
        yield program
    finally:
        program.stop()
    program.log.unlink(missing_ok=True)


@contextmanager
def server(release: str, port: int = 0, *, client_ids: bool = True) -> Iterator[str]:
    """Run an empty HAPI server of a release; give its base URL."""
    strategy = f"-DclientIds={'ALPHANUMERIC' if client_ids else 'NOT_ALLOWED'}"
    arguments = (strategy, "fhirconv.Server", release, str(port))
    with running(f"server-{release}", *arguments) as program:
        yield program.greeting


@contextmanager
def validator(release: str, *guides: Path) -> Iterator[Validator]:
    """Run HL7's validator; give a function from a bundle, or its file, to the issues found.

    `guides` are packages of implementation guides (.tgz) that it loads too.
    """
    packages = [package.replace("@", "#") for package in PACKAGES[release]]
    packages += [unpack(guide, package_home() / ".fhir" / "packages") for guide in guides]
    core, version = packages[0].split("#")
    arguments = [version, f"{CORE[core]}#{version}", *packages[1:]]
    home = f"-Duser.home={package_home()}"
    with running(f"validator-{release}", home, "fhirconv.Validator", *arguments) as program:
        yield lambda bundle: issues_of(program, bundle)


def issues_of(program: Program, bundle: Resource | Path) -> IssueList:
    """Ask a running validator about a bundle or a file of one."""
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(bundle, Path):
            path = bundle
        else:
            path = Path(folder) / "bundle.json"
            path.write_text(json.dumps(bundle), encoding="utf-8")
        answer = json.loads(program.ask(str(path.resolve())))
    found: IssueList = answer["outcome"].get("issue", [])
    return found


# ---- the fixtures


@contextmanager
def or_skip() -> Iterator[None]:
    """Skip the test where Java is missing; fail it where the environment says that it must be."""
    try:
        yield
    except MissingError as missing:
        if os.environ.get("FHIRCONV_REQUIRE_JAVA") == "1" or os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def hapi_r4() -> Iterator[str]:
    """The base URL of a HAPI server of R4."""
    with ExitStack() as running:
        with or_skip():
            url = running.enter_context(server("R4"))
        yield url


@pytest.fixture(scope="session")
def hapi_r5() -> Iterator[str]:
    """The base URL of a HAPI server of R5."""
    with ExitStack() as running:
        with or_skip():
            url = running.enter_context(server("R5"))
        yield url


@pytest.fixture(scope="session")
def hapi(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """A function from a release to the base URL of its HAPI server, started when first asked."""

    def base(release: str) -> str:
        url: str = request.getfixturevalue(f"hapi_{release.lower()}")
        return url

    return base


@pytest.fixture(scope="session")
def own_ids_hapi() -> Iterator[Callable[[str], str]]:
    """A function from a release to the base URL of a HAPI server that chooses every id itself."""
    with ExitStack() as running:
        started: dict[str, str] = {}

        def of(release: str) -> str:
            if release not in started:
                with or_skip():
                    started[release] = running.enter_context(server(release, client_ids=False))
            return started[release]

        yield of


@pytest.fixture(scope="session")
def hl7_validator() -> Iterator[Callable[[str], Validator]]:
    """A function from a release to HL7's validator for it, started when first asked."""
    with ExitStack() as running:
        started: dict[str, Validator] = {}

        def of(release: str) -> Validator:
            if release not in started:
                with or_skip():
                    started[release] = running.enter_context(validator(release))
            return started[release]

        yield of


# ---- by hand


def hapi_issues(base: str, resource: Resource) -> IssueList:
    """Give what a server's $validate finds in a resource."""
    answer = requests.post(
        f"{base}/{resource['resourceType']}/$validate",
        json=resource,
        headers={"Content-Type": FHIR, "Accept": FHIR},
        timeout=300,
    )
    found: IssueList = answer.json()["issue"]
    return found


def show(who: str, issues: IssueList) -> None:
    """Print issues, worst first, equal ones once with their number and first place."""
    places: dict[tuple[str, str], list[str]] = {}
    for issue in sorted(issues, key=lambda issue: SEVERITIES.index(issue["severity"])):
        text = issue.get("diagnostics") or issue.get("details", {}).get("text", "")
        where = (issue.get("expression") or issue.get("location") or [""])[0]
        places.setdefault((issue["severity"], text), []).append(where)
    for (severity, text), found in places.items():
        sys.stdout.write(f"  {who} {severity} ({len(found)}): {text}\n      at {found[0]}\n")


def show_all(files: list[str]) -> None:
    """Print what HAPI and HL7's validator say of each file; a name with r5 in it is of R5."""
    for release in PACKAGES:
        mine = [file for file in files if ("r5" in file.lower()) == (release == "R5")]
        if mine:
            with server(release) as base, validator(release) as hl7:
                for file in mine:
                    sys.stdout.write(f"{file} ({release})\n")
                    bundle = json.loads(Path(file).read_text(encoding="utf-8"))
                    show("HAPI", hapi_issues(base, bundle))
                    show("HL7", hl7(Path(file)))


def main(arguments: list[str]) -> None:
    """Run a server to play with, or validate files."""
    if arguments[0] == "validate":
        show_all(arguments[1:])
        return
    with server(arguments[0].upper(), int(arguments[1]) if arguments[1:] else 0) as url:
        sys.stdout.write(f"{url}\nCtrl-C stops it.\n")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.stdout.write("stopped\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except MissingError as missing:
        sys.exit(str(missing))
