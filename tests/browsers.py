"""A real browser, without a window and without a network, which tells what a page tried to do."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[1]
AXE = PROJECT / "build" / "packages" / "axe-core-4.14.1" / "package" / "axe.min.js"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
    *("--window-size=1440,1000", "--disable-features=OptimizationHints"),
)
WATCH = """
window.struck = []; window.refused = [];
for (const name of ['alert', 'confirm', 'prompt', 'open'])
  window[name] = (...words) => { window.struck.push(name); };
addEventListener('securitypolicyviolation', e => window.refused.push(
  e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sample));
addEventListener('error', e => window.struck.push('error ' + e.message));
"""


class Browser:
    """One browser; it opens files, acts as people do, and tells what pages did."""

    def __init__(self, program: str, driver: str) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.options import Options
        from selenium.webdriver.chrome.service import Service

        options = Options()
        options.binary_location = program
        for option in OPTIONS:
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(driver))
        self.driver.set_script_timeout(120)  # of axe-core, on a busy machine
        self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})

    def open(self, path: Path, *, dark: bool = False, scripts: bool = True, at: str = "") -> None:
        """Open a file, in light or dark, its movements reduced; what came before is forgotten."""
        features = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce",
        }
        listed = [{"name": name, "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": listed})
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not scripts})
        self.driver.get("about:blank")
        self.driver.get_log("performance")
        self.driver.get_log("browser")
        self.driver.get(path.resolve().as_uri() + at)

    def run(self, script: str, *given: Any) -> Any:
        """Return what a script returns."""
        return self.driver.execute_script(script, *given)

    def find(self, selector: str) -> Any:
        """Return the first element of a selector."""
        return self.driver.find_element("css selector", selector)

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    @property
    def focus(self) -> Any:
        """The element that has the focus."""
        return self.driver.switch_to.active_element

    @property
    def hash(self) -> str:
        """The fragment of the address."""
        return str(self.run("return decodeURIComponent(location.hash.slice(1))"))

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since the page was opened."""
        told = (
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        )
        return [
            each["params"]["request"]["url"]
            for each in told
            if each["method"] == "Network.requestWillBeSent"
        ]

    def complaints(self) -> list[str]:
        """Return what the page struck, what the policy refused, and what the console says."""
        said = [entry["message"] for entry in self.driver.get_log("browser")]
        return said + list(self.run("return [...window.struck, ...window.refused]"))

    def is_seen(self, selector: str) -> bool:
        """Say whether the beginning of an element stands within the window."""
        script = (
            "const box = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return box.height > 0 && box.top >= -1 && box.top < innerHeight"
        )
        return bool(self.run(script, selector))

    def violations(self) -> list[str]:
        """Return what axe-core finds wrong for people who cannot see, hear or use a mouse."""
        self.run(AXE.read_text(encoding="utf-8"))
        script = "axe.run(document, {resultTypes: ['violations']}).then(arguments[0])"
        found = self.driver.execute_async_script(script)["violations"]
        return [
            f"{each['impact']}: {each['id']}: {node['target']}"
            for each in found
            for node in each["nodes"]
        ]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser; skips where Chromium and its driver are not here, which CI does not allow."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    driver = shutil.which("chromedriver")
    if not program or not driver:
        reason = "Chromium and chromedriver are not here (Debian: chromium chromium-driver)"
        if os.environ.get("FHIRCONV_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    made = Browser(program, driver)
    yield made
    made.driver.quit()


@pytest.fixture(scope="session")
def axe() -> None:
    """Skip where `make packages` has not fetched axe-core, which CI does not allow."""
    if not AXE.is_file():
        reason = "axe-core is not here: make packages"
        if os.environ.get("FHIRCONV_REQUIRE_PACKAGES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
