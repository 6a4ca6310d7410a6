"""Methods by name for one kind of problem; a method's file is read when it is first asked for."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Method = TypeVar("Method")


@dataclass(frozen=True, slots=True)
class NamedMethods(Generic[Method]):
    """The methods of a kind.

    Attributes:
        names: Their names; the file of each is its name in small letters.
        package: Where the files are.
        kind: What a method object is an instance of.
        foreign: Names that other programs use, in small letters, and the method that does their work here.
        example: A name, for messages.
        method_of: What they are, such as "a method for jumps".
        problem: What they solve, such as "a jump process".
        elsewhere: What is said of a method for ordinary equations, after its name.
    """

    names: tuple[str, ...]
    package: str
    kind: type[Method]
    foreign: Mapping[str, str]
    example: str
    method_of: str
    problem: str
    elsewhere: str

    def all(self) -> list[Method]:
        """All methods, in the order of their names."""
        return [self.get(name) for name in self.names]

    def get(self, method: Any) -> Method:
        """The method of a name, in letters of either case; a method object is itself.

        Raises:
            ValueError: there is no such method; the nearest name, or else all, are in the message.
            TypeError: neither a name nor a method.
        """
        if isinstance(method, self.kind):
            return method
        if not isinstance(method, str):
            found = type(method).__name__
            raise TypeError(f"expected a name such as '{self.example}' or {self.method_of}, found {found}")
        wanted = method.strip().lower()
        if wanted not in map(str.lower, self.names):
            raise ValueError(self._unknown(method, wanted))
        return importlib.import_module(f"{self.package}.{wanted}").METHOD

    def _unknown(self, method: str, wanted: str) -> str:
        if wanted in map(str.lower, importlib.import_module("symde.engine.methods.registry").NAMES):
            return f"'{method}' {self.elsewhere}"
        canonical = {one.lower(): one for one in self.names}
        near = difflib.get_close_matches(wanted, canonical, n=1)
        nearest = self.foreign.get(wanted) or (canonical[near[0]] if near else None)
        if nearest is not None:
            return f"unknown method '{method}' for {self.problem}: did you mean '{nearest}'?"
        return f"unknown method '{method}' for {self.problem}: there are {', '.join(self.names)}"
