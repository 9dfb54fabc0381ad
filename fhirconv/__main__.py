"""The command line, as python -m fhirconv."""

from fhirconv.cli import main

if __name__ == "__main__":
    main(prog_name="fhirconv")
