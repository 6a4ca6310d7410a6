"""`symde check`: what is odd about a model, and whether its derivatives are right."""

from __future__ import annotations

import argparse

from symde.cli.command import FAILED
from symde.cli.models import models
from symde.model.check import check
from symde.testing import check_derivatives


def run(options: argparse.Namespace) -> int:
    """Print warnings, then the check of the derivatives; errors of the text are raised before."""
    code = 0
    for model in models(options.file, options.model):
        warnings = check(model)
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
