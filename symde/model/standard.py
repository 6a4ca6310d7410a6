"""Functions of the field that a text may call without defining them: their definitions are added to it.

A model that calls `mm` is the same as one that says `mm(x, vmax, km) = vmax*x/(km + x)` itself, so that
derivatives, sympy, export and text know nothing of them. A text that defines one of these names, or uses it
for something else, keeps its own meaning.

Sources: L. Michaelis, M. L. Menten, Die Kinetik der Invertinwirkung, Biochem. Z. 49 (1913), 333-369; A. V.
Hill, The possible effects of the aggregation of the molecules of haemoglobin on its dissociation curves, J.
Physiol. 40 (1910), iv-vii.
"""

from __future__ import annotations

import dataclasses
import functools

from symde.language import parse
from symde.language.syntax import FunctionDefinition
from symde.model.derivative_names import draft_expressions
from symde.model.draft import FUNCTION, Draft
from symde.model.walk import calls

STANDARD: dict[str, tuple[str, str]] = {
    "mm": ("mm(x, vmax, km) = vmax*x/(km + x)", "Michaelis and Menten's law"),
    "mmr": ("mmr(x, vmax, km) = vmax*km/(km + x)", "repression by Michaelis and Menten's law"),
    "hill": ("hill(x, vmax, k, n) = vmax*x^n/(k^n + x^n)", "activation by Hill's law"),
    "hillr": ("hillr(x, vmax, k, n) = vmax*k^n/(k^n + x^n)", "repression by Hill's law"),
}
"""Name -> its definition, and what it is."""


@functools.cache
def _definition(name: str) -> FunctionDefinition:
    (block,) = parse(STANDARD[name][0])
    (one,) = block.statements
    assert isinstance(one, FunctionDefinition)
    return one


def add_standard(draft: Draft) -> None:
    """Define what the text calls of these and does not define."""
    bodies = (one.body for one in draft.functions.values())
    for call in list(calls(*draft_expressions(draft), *bodies)):
        name = call.function
        if name in STANDARD and name not in draft.declared:
            one = _definition(name)
            draft.declare(name, FUNCTION, call.span)
            draft.functions[name] = dataclasses.replace(
                one, name=dataclasses.replace(one.name, span=call.span)
            )
