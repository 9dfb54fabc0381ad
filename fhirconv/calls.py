"""A module that is called does what its main function does: fhirconv.convert(...)."""

import sys
from types import ModuleType
from typing import Any


class Callable(ModuleType):
    """A module whose function of the same name answers for it."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function that bears the name of the module."""
        return getattr(self, self.__name__.rpartition(".")[2])(*arguments, **named)


def make_callable(name: str) -> None:
    """Make the module of this name callable, so that it and its function share one name."""
    sys.modules[name].__class__ = Callable
