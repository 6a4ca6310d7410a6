"""`symde methods`: what there is to choose from."""

from __future__ import annotations

import argparse

from symde.cli.table import table
from symde.engine.methods import registry


def rows() -> list[list[str]]:
    """One row a method: name, family, orders of step, error estimate and dense output, what for."""
    return [
        [
            one.name,
            one.family,
            str(one.order),
            str(one.embedded_order or "-"),
            str(one.dense_order),
            one.summary,
        ]
        for one in registry.all()
    ]


def run(options: argparse.Namespace) -> int:
    """Print the table of methods."""
    print(table(rows(), ["method", "family", "order", "error", "dense", "for"], right=[2, 3, 4]))
    print(
        "\nWithout a method, symde starts with an explicit one and goes over to Rodas5P when stiffness shows."
    )
    return 0
