"""How members end: return codes of many, and what is told of those that failed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symde.engine.cpu.layout import Status
from symde.outcome import RETCODES
from symde.problem.retcode import Retcode


@dataclass(frozen=True, slots=True)
class Failure:
    """A member that did not reach the end of its span.

    Attributes:
        index: Which.
        retcode: Why.
        message: The same in words, with what to try.
        time: The time it reached.
    """

    index: int
    retcode: Retcode
    message: str
    time: float


_RETCODES = np.full(max(Status) + 1, None, dtype=object)
_SUCCESS = np.zeros(max(Status) + 1, dtype=bool)
for _status, _retcode in RETCODES.items():
    _RETCODES[_status], _SUCCESS[_status] = _retcode, _retcode.success
_CODES = {retcode: int(status) for status, retcode in RETCODES.items()}


def retcodes_of(codes: np.ndarray) -> np.ndarray:
    """The return codes of an array of the loop's."""
    return _RETCODES[codes]


def succeeded(codes: np.ndarray) -> np.ndarray:
    """Whether each member reached its end, shape of the codes."""
    return _SUCCESS[codes]


def code_of(retcode: Retcode) -> int:
    """The loop's code of a return code."""
    return _CODES[retcode]
