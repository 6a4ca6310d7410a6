"""`symde methods`: what there is to choose from."""

from __future__ import annotations

import argparse

from symde.cli.table import table
from symde.engine.methods import registry

HEADER = ["method", "family", "order", "error", "dense", "for", "to cite"]


def rows() -> list[list[str]]:
    """One row a method: name, family, orders of step, error and dense output, what for, what to cite."""
    return [
        [
            one.name,
            one.family,
            str(one.order),
            str(one.embedded_order or "-"),
            str(one.interpolant_order),
            one.when_to_use,
            one.citation,
        ]
        for one in registry.methods()
    ]


def run(options: argparse.Namespace) -> int:
    """Print the table of methods; citations are left to the documentation."""
    print(table([row[:-1] for row in rows()], HEADER[:-1], right=[2, 3, 4]))
    print("\nWithout a method symde starts with an explicit one, and takes a stiff one when stiffness shows.")
    return 0
