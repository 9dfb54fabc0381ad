"""The exceptions, drawn as a tree.

FhirconvError
├── ReadError      a report cannot be read
│   └── JsonError  a file is no JSON, with the line and column of what is wrong
├── FactsError     a facts document is not one
├── TableError     a mapping table is wrong
├── UsageError     what was asked for cannot be done as asked
├── WriteError     an output cannot be written
└── ServerError    a FHIR server is away or says no
"""


class FhirconvError(Exception):
    """Trouble that stops the line: one sentence, and the place it speaks of."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message, where)
        self.message = message
        self.where = where

    def __str__(self) -> str:
        return f"{self.message} [{self.where}]" if self.where else self.message


class ReadError(FhirconvError):
    """A report cannot be read."""


class JsonError(ReadError):
    """A file is no JSON: what is wrong stands at a line and a column, both from 1."""

    def __init__(self, what: str, where: str, line: int, column: int) -> None:
        super().__init__(f"{what}, at line {line}, column {column}", where)
        self.what = what
        self.line = line
        self.column = column


class FactsError(FhirconvError):
    """A facts document breaks the schema, or quotes what its report does not say."""


class TableError(FhirconvError):
    """A mapping table is wrong."""


class UsageError(FhirconvError):
    """What was asked for cannot be done as asked."""


class WriteError(FhirconvError):
    """An output cannot be written."""


class ServerError(FhirconvError):
    """A FHIR server is away, or says no."""
