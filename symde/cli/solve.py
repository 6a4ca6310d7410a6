"""`symde solve`: a solution as a table, a picture, a CSV file or JSON."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from typing import Any

from symde.cli import values
from symde.cli.command import FAILED, INTERRUPTED
from symde.cli.models import model
from symde.cli.notice import tell_about_compilation
from symde.cli.table import table
from symde.problem import Problem, Retcode, Solution
from symde.problem.path_solution import PathSolution
from symde.solve import solve


def run(options: argparse.Namespace) -> int:
    """Solve, and show what was asked for; also of a solve that failed, the part that was computed."""
    chosen = model(options.file, options.model)
    problem = Problem(
        chosen,
        u0=values.assignments(options.u0, "--u0") or None,
        tspan=values.span(options.tspan) if options.tspan else None,
        p=values.assignments(options.set, "--set") or None,
        kind=options.kind,
    )
    tell_about_compilation()
    solution = solve(
        problem, options.method, throw=False, dense=options.plot is not None or None, **_options(options)
    )
    if options.csv:
        write_csv(solution, options.csv)
    if options.plot:
        _draw(solution, options, chosen.name)
    print(
        _json(solution, chosen.name, options.saveat is not None)
        if options.json
        else _report(solution, chosen.name)
    )
    if solution.success:
        return 0
    print(f"symde: {solution.message}", file=sys.stderr)
    return INTERRUPTED if solution.retcode is Retcode.INTERRUPTED else FAILED


_AS_GIVEN = ("rtol", "max_steps", "dt0", "dtmax", "linear_solver", "preconditioner", "seed", "progress")
"""Options of `solve` whose values are those of the command line."""


def _options(options: argparse.Namespace) -> dict[str, Any]:
    """Options of `solve` that the command line gives."""
    given = {name: getattr(options, name) for name in _AS_GIVEN}
    if options.atol:
        given["atol"] = values.tolerance(options.atol)
    if options.saveat:
        given["saveat"] = values.save_times(options.saveat)
    return {name: value for name, value in given.items() if value is not None}


def _end_values(solution: Solution) -> dict[str, float]:
    """States and observed quantities at the last saved time."""
    names = (*solution.names, *solution.problem.system.observable_names)
    return {name: float(solution[name][-1]) for name in names}


def _report(solution: Solution, name: str) -> str:
    system, stats = solution.problem.system, solution.stats
    rows = [[one, f"{value:.10g}", system.unit(one) or ""] for one, value in _end_values(solution).items()]
    methods = " + ".join(one.name for one in solution.method)
    seed = f"seed {solution.seed}, " if isinstance(solution, PathSolution) else ""
    work = f"{methods}: {stats.words}, {seed}{_duration(stats.seconds)}"
    heading = f"{name}: {solution.retcode}, t = {solution.t[-1]:g}"
    units = any(row[2] for row in rows)
    return f"{heading}\n\n{table([row if units else row[:2] for row in rows], right=[1])}\n\n{work}"


def _duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1e3 * seconds:.3g} ms"


def _json(solution: Solution, name: str, series: bool) -> str:
    """The result as JSON; with the saved points where the command asked for some."""
    result: dict[str, Any] = {
        "model": name,
        "retcode": str(solution.retcode),
        "message": solution.message,
        "method": [one.name for one in solution.method],
        "t": float(solution.t[-1]),
        "end": _end_values(solution),
        "stats": solution.stats.as_dict(),
    }
    if isinstance(solution, PathSolution):
        result["seed"] = solution.seed
    if series:
        result["saved"] = {"t": solution.t.tolist(), **{one: solution[one].tolist() for one in result["end"]}}
    return json.dumps(result, ensure_ascii=False, indent=2)


def write_csv(solution: Solution, path: str) -> None:
    """Times, states and observed quantities at the saved points, with all digits."""
    names = ("t", *solution.names, *solution.problem.system.observable_names)
    columns = [solution[name].tolist() for name in names]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(zip(*columns, strict=True))


def _draw(solution: Solution, options: argparse.Namespace, title: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from symde.plot import plot

    axes: Any = plot(solution, vars=options.vars, xscale=options.xscale, title=title)
    axes.figure.savefig(options.plot, dpi=150)
