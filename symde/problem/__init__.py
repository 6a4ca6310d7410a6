"""Problems, solutions and return codes: numbers, callables and a `System` protocol; no symbols."""

from symde.problem.event import Event
from symde.problem.problem import Problem, remake
from symde.problem.retcode import Retcode
from symde.problem.solution import Solution, SolveError, SolveInterrupted
from symde.problem.stats import Stats

__all__ = ["Event", "Problem", "Retcode", "Solution", "SolveError", "SolveInterrupted", "Stats", "remake"]
