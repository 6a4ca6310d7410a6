"""Random reaction networks as model text: three reactions a state, nearly half of them bimolecular."""

from __future__ import annotations

import random


def network(n: int, seed: int = 1) -> str:
    """A model of n species and 3n reactions: 45 % bimolecular, 45 % unimolecular, 10 % Michaelis-Menten."""
    random_choice = random.Random(seed)
    terms: list[list[str]] = [[] for _ in range(n)]
    for reaction in range(3 * n):
        source, target = random_choice.sample(range(n), 2)
        kind = random_choice.random()
        if kind < 0.45:
            other = random_choice.randrange(n)
            rate = f"k{reaction}*x{source}*x{other}"
        elif kind < 0.9:
            rate = f"k{reaction}*x{source}"
        else:
            rate = f"k{reaction}*x{source}/(0.5 + x{source})"
        terms[source].append(f"- {rate}")
        terms[target].append(f"+ {rate}")
    parameters = [f"  param k{i} = {0.1 + random_choice.random():.6f}" for i in range(3 * n)]
    states = [f"  state x{i} = {random_choice.random():.6f}" for i in range(n)]
    equations = [f"  x{i}' = " + (" ".join(terms[i]).removeprefix("+ ") or "0") for i in range(n)]
    return "\n".join(["model Network", *parameters, *states, "  time 0 .. 1", *equations, "end"])
