"""The pictures of the pages in docs/: python -m tools.screenshots (Chromium, chromedriver)."""

import shutil
import sys
import tempfile
from pathlib import Path

from click.testing import CliRunner

from fhirconv.cli import main
from tests.browsers import PROGRAMS, Browser

PROJECT = Path(__file__).resolve().parents[1]
DOCS = PROJECT / "docs"
CASE = "car-t-cells.case.html"
MARK = "mark a[href$='adverse-event-cytokine-release-syndrome']"
SHOTS = (  # picture, page, dark, where a click goes first, height
    ("view.png", CASE, False, "", 860),
    ("view-dark.png", CASE, True, MARK, 860),
    ("view-index.png", "index.html", False, "", 1180),
)
WIDTH = 1360


def take(folder: Path, browser: Browser) -> None:
    """Write every picture from the pages in a folder."""
    for picture, page, dark, click, height in SHOTS:
        size = {"width": WIDTH, "height": height, "deviceScaleFactor": 1, "mobile": False}
        browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.open(folder / page, dark=dark)
        if click:
            browser.find(click).click()
        browser.driver.save_screenshot(str(DOCS / picture))


def pictures() -> int:
    """Make the pages of the samples and take their pictures; return the exit code."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    driver = shutil.which("chromedriver")
    if not program or not driver:
        sys.exit("Chromium and chromedriver are not here")
    samples = (PROJECT / "samples").glob("*/*")
    reports = sorted(str(p) for p in samples if p.suffix in (".txt", ".html", ".xml"))
    with tempfile.TemporaryDirectory() as name:
        done = CliRunner().invoke(main, ["view", *reports, "-o", f"{name}/"])
        browser = Browser(program, driver)
        try:
            take(Path(name), browser)
        finally:
            browser.driver.quit()
    return done.exit_code


if __name__ == "__main__":
    sys.exit(pictures())
