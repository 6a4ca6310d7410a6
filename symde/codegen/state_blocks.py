"""States by what solves must know of them: those with a domain, and the parts that the error test judges."""

from __future__ import annotations

import math

from symde.model.definition import Definition


def domains(definition: Definition) -> tuple[tuple[int, float, float], ...]:
    """Index, lower and upper bound of each state that has a domain."""
    found = []
    for index, state in enumerate(definition.states):
        domain = getattr(state, "domain", None)
        if domain is not None:
            low, high = domain
            found.append((index, -math.inf if low is None else low, math.inf if high is None else high))
    return tuple(found)


def error_blocks(definition: Definition) -> tuple[tuple[int, int, int], ...]:
    """The states in blocks of the error test: discrete variables, which have no error, dilute no norm."""
    starts = [0]
    kinds = [state.discrete for state in definition.states]
    starts += [i for i in range(1, len(kinds)) if kinds[i] != kinds[i - 1]]
    ends = [*starts[1:], len(kinds)]
    return tuple([(start, end - start, 1) for start, end in zip(starts, ends, strict=True)])
