"""`symde check`: what is odd about a model, and whether its derivatives are right."""

from __future__ import annotations

import argparse
import dataclasses

from symde.cli.command import FAILED
from symde.cli.models import models
from symde.derive.reduction import solvable
from symde.model.check import check
from symde.model.definition import Definition
from symde.testing import check_derivatives


def run(options: argparse.Namespace) -> int:
    """Print warnings, then the check of the derivatives; errors of the text are raised before."""
    code = 0
    for model in models(options.file, options.model):
        warnings = check(_with_guesses(model.definition))
        for warning in warnings:
            print(warning.render() + "\n")
        delays = model.definition.delays
        if model.jumps or model.noise:  # no right-hand side tells all of it
            print(f"{model.name}: {_counted(len(warnings))}")
            continue
        try:
            if delays is not None and delays.read:
                report = "derivatives are not checked: with delays they follow the past"
            else:
                report = str(check_derivatives(model, points=options.points))
        except (AssertionError, ValueError) as problem:
            report, code = str(problem), FAILED
        print(f"{report}\n{model.name}: {_counted(len(warnings))}")
    return code


def _counted(warnings: int) -> str:
    return f"{warnings} warning{'s' * (warnings != 1)}"


def _with_guesses(definition: Definition) -> Definition:
    """The definition whose states tell of themselves that constraints determine their initial values."""
    if definition.mass is None:
        return definition
    guessed = {state.name for state in solvable(definition).states if state.guess}
    states = tuple(
        dataclasses.replace(state, guess=True) if state.name in guessed else state
        for state in definition.states
    )
    return dataclasses.replace(definition, states=states)
