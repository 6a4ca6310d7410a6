"""Arguments of the shell command. Each subcommand imports what it needs when it runs."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

from symde.diagnostics import ModelError

FAILED, USAGE, INTERRUPTED = 1, 2, 130

_NEGATIVE = re.compile(r"-\.?\d")


class UsageError(ValueError):
    """The command line asks for something that cannot be understood."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code."""
    _print_every_character()
    parser = _parser()
    given = sys.argv[1:] if arguments is None else arguments
    # argparse takes `-1..5` for an option, unless a space comes first.
    options = parser.parse_args([f" {one}" if _NEGATIVE.match(one) else one for one in given])
    if options.command is None:
        parser.print_help()
        return USAGE
    try:
        code = importlib.import_module(f"symde.cli.{options.command}").run(options)
        if sys.stdout is not None:  # None where the caller closed it
            sys.stdout.flush()
        return code
    except ModelError as error:
        print(str(error).strip("\n"), file=sys.stderr)
    except UsageError as error:
        parser.error(str(error))
    except (ValueError, TypeError, ImportError) as error:
        print(f"symde: error: {error}", file=sys.stderr)
    except BrokenPipeError:
        # The reader has gone (`symde show FILE | head`): nothing more to say, nor to flush at the end.
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"symde: error: {place}{error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("symde: interrupted", file=sys.stderr)
        return INTERRUPTED
    return FAILED


def _print_every_character() -> None:
    """Where the terminal's encoding lacks a letter of a model, its code stands for it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    from symde import __version__

    parser = argparse.ArgumentParser(prog="symde", description="Differential equations as text.")
    parser.add_argument("--version", action="version", version=f"symde {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _solve(commands.add_parser("solve", help="solve a model and print its end values"))
    show = commands.add_parser("show", help="print a model's equations, structure and Jacobian")
    _file(show)
    show.add_argument("--latex", action="store_true", help="print the equations in LaTeX, nothing else")
    check = commands.add_parser("check", help="look for problems of a model; check its derivatives")
    _file(check)
    check.add_argument("--points", type=int, default=5, metavar="N", help="points for the derivatives (5)")
    export = commands.add_parser("export", help="print a model as source of another language")
    _file(export)
    export.add_argument(
        "--target", required=True, metavar="TARGET", help="numba, numpy, torch, c, llvm or latex"
    )
    export.add_argument("-o", "--output", metavar="PATH", help="write a file instead of printing")
    commands.add_parser("methods", help="list the methods")
    commands.add_parser("doctor", help="tell versions, processor and cache folder")
    return parser


def _file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="model file (*.symde), or - for standard input")
    parser.add_argument("--model", metavar="NAME", help="which model, where the file holds several")


def _solve(parser: argparse.ArgumentParser) -> None:
    _file(parser)
    several: dict[str, Any] = {"nargs": "+", "action": "extend"}
    parser.add_argument("--method", metavar="NAME", help="see `symde methods`; default: chosen")
    parser.add_argument("--kind", choices=("ode", "jump", "sde"), help="reading of reactions; default: ode")
    parser.add_argument("--seed", type=int, metavar="N", help="of a path: the same, the same path")
    parser.add_argument("--tspan", nargs="+", metavar="T", help="time span, as `0 1e5` or `0..1e5`")
    parser.add_argument("--set", **several, default=[], metavar="NAME=VALUE", help="parameters")
    parser.add_argument("--u0", **several, default=[], metavar="NAME=VALUE", help="initial values")
    parser.add_argument("--rtol", type=float, metavar="R", help="relative tolerance (1e-6)")
    parser.add_argument("--atol", **several, metavar="A", help="absolute tolerance (1e-9), or NAME=VALUE ...")
    parser.add_argument("--saveat", metavar="DT|T1,T2,...", help="times to save; default: each step")
    parser.add_argument("--max-steps", type=int, metavar="N", help="limit on the number of steps")
    parser.add_argument("--dt0", type=float, metavar="DT", help="first step; of some methods every step")
    parser.add_argument("--dtmax", type=float, metavar="DT", help="largest step")
    parser.add_argument(
        "--linear-solver", metavar="NAME", help="of implicit methods; default: by the pattern"
    )
    parser.add_argument(
        "--preconditioner", metavar="NAME", help="jacobi or ilu0, with --linear-solver krylov"
    )
    parser.add_argument("--progress", action="store_true", default=None, help="show a bar in simulated time")
    parser.add_argument("--plot", metavar="PNG", help="draw the solution into this file (png, pdf, svg)")
    parser.add_argument("--xscale", choices=("linear", "log"), help="time axis of the plot")
    parser.add_argument("--vars", nargs="+", metavar="NAME", help="what to plot; default: all states")
    parser.add_argument("--csv", metavar="CSV", help="write the saved points into this file")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
