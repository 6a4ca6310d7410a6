"""`symde methods`: what there is to choose from."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from itertools import groupby

from symde.cli.table import table
from symde.codegen.noise_kind import NoiseKind
from symde.engine.jumps import registry as jump_registry
from symde.engine.methods import registry
from symde.engine.methods.method import Method
from symde.engine.noise import registry as noise_registry
from symde.engine.noise.method import NoiseMethod

HEADER = ["method", "kind", "order", "error", "dense", "stability", "for", "to cite"]
"""Columns of the documentation's table."""

_COLUMNS = ["method", "order", "dense", "stability", "for"]
_NOISE_COLUMNS = ["method", "strong", "weak", "adaptive", "noise", "for"]
_LEAST_WIDTH = 30  # of the sentences, however narrow the terminal

_NOTE = """
order, dense: of the step and of the solution between steps. stability: of decaying solutions; "to -3.5"
says how far a step times an eigenvalue may reach to the left. Names are read in letters of either case.
Without one, symde begins with an explicit method (Tsit5; from rtol 1e-5 down Taylor for smooth equations,
DPRKN8 or DPRKN12 for other ones of second order, Vern7 or Vern9 for the rest) and changes to one for stiff
equations (Rodas5P, Radau or QNDF) when stiffness shows.
"""

_NOISE_NOTE = """
strong, weak: orders of single paths and of means. adaptive: whether steps may follow the error. Without a
name the kind of the noise decides: SOSRA, SRIW1 or Milstein; where steps follow the error SPaRK in place of
the last; EulerMaruyama where coefficients are not smooth.
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
    """Print the methods under their kinds, in tables as wide as the terminal; the documentation has more."""
    width = shutil.get_terminal_size((160, 24)).columns
    methods = by_kind()
    facts = [[one.name, _order(one), str(one.interpolant_order), one.stability, ""] for one in methods]
    groups = [(one.kind, one.when_to_use) for one in methods]
    _print_grouped(facts, _COLUMNS, [1, 2], groups, width)
    print("\n" + textwrap.fill(_NOTE.strip(), width) + "\n")
    noisy = noise_registry.methods()
    facts = [
        [one.name, f"{one.strong:g}", f"{one.weak:g}", "yes" if one.adaptive else "no", _noise(one), ""]
        for one in noisy
    ]
    groups = [("equations with noise", one.when_to_use) for one in noisy]
    _print_grouped(facts, _NOISE_COLUMNS, [1, 2], groups, width)
    print("\n" + textwrap.fill(_NOISE_NOTE.strip(), width) + "\n")
    counting = jump_registry.methods()
    groups = [("paths that count molecules", one.when_to_use) for one in counting]
    _print_grouped([[one.name, ""] for one in counting], ["method", "for"], [], groups, width)
    return 0


def _print_grouped(
    facts: list[list[str]], columns: list[str], right: list[int], groups: list[tuple[str, str]], width: int
) -> None:
    """A table under its header, with the name of a group before its first row, and a sentence in the last
    column of each."""
    header, rule, *lines = table(facts, columns, right=right).splitlines()
    indent = len(rule) - len(columns[-1])
    print(f"{header}\n{rule}")
    for kind, group in groupby(zip(groups, lines, strict=True), key=lambda pair: pair[0][0]):
        print(f"\n{kind}")
        for (_, sentence), line in group:
            room = max(width - indent, _LEAST_WIDTH)
            wrapped = textwrap.wrap(sentence, room, break_on_hyphens=False)
            print(line.ljust(indent) + f"\n{'':{indent}}".join(wrapped))


def _noise(method: NoiseMethod) -> str:
    """The kinds of noise that a method is for."""
    kinds = [one.value for one in NoiseKind if one in method.noise]
    return "any" if len(kinds) == len(NoiseKind) else ", ".join(kinds)


def _order(method: Method) -> str:
    return f"up to {method.order}" if method.variable_order else str(method.order)
