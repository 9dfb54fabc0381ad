"""The version of fhirconv, in one place."""

VERSION = "0.1.0"
