"""`symde methods`: what there is to choose from."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from itertools import groupby

from symde.cli.table import table
from symde.engine.methods import registry
from symde.engine.methods.method import Method

HEADER = ["method", "kind", "order", "error", "dense", "stability", "for", "to cite"]
"""Columns of the documentation's table."""

_COLUMNS = ["method", "order", "dense", "stability", "for"]
_LEAST_WIDTH = 30  # of the sentences, however narrow the terminal

_NOTE = """
order, dense: of the step and of the solution between steps. stability: of decaying solutions; "to -3.5"
says how far a step times an eigenvalue may reach to the left. Names are read in letters of either case.
Without one, symde begins with an explicit method (Tsit5; from rtol 1e-5 down Taylor for smooth equations,
DPRKN8 or DPRKN12 for other ones of second order, Vern7 or Vern9 for the rest) and changes to one for stiff
equations (Rodas5P, Radau or QNDF) when stiffness shows.
"""


def rows() -> list[list[str]]:
    """One row a method: name, kind, orders of step, error and dense output, stability, what for, citation."""
    return [
        [
            one.name,
            one.kind,
            _order(one),
            str(one.embedded_order or "-"),
            str(one.interpolant_order),
            one.stability,
            one.when_to_use,
            one.citation,
        ]
        for one in by_kind()
    ]


def by_kind() -> list[Method]:
    """All methods, those of a kind together, kinds in the order in which the registry first names them."""
    methods = registry.methods()
    kinds = list(dict.fromkeys(one.kind for one in methods))
    return sorted(methods, key=lambda one: kinds.index(one.kind))


def run(options: argparse.Namespace) -> int:
    """Print the methods under their kinds, in a table as wide as the terminal; the documentation has more."""
    width = shutil.get_terminal_size((160, 24)).columns
    methods = by_kind()
    facts = [[one.name, _order(one), str(one.interpolant_order), one.stability, ""] for one in methods]
    header, rule, *lines = table(facts, _COLUMNS, right=[1, 2]).splitlines()
    indent = len(rule) - len(_COLUMNS[-1])
    print(f"{header}\n{rule}")
    for kind, group in groupby(zip(methods, lines, strict=True), key=lambda pair: pair[0].kind):
        print(f"\n{kind}")
        for method, line in group:
            room = max(width - indent, _LEAST_WIDTH)
            sentence = textwrap.wrap(method.when_to_use, room, break_on_hyphens=False)
            print(line.ljust(indent) + f"\n{'':{indent}}".join(sentence))
    print("\n" + textwrap.fill(_NOTE.strip(), width))
    return 0


def _order(method: Method) -> str:
    return f"up to {method.order}" if method.variable_order else str(method.order)
