"""symde: equations as text, solved and differentiated at machine speed.

    import symde

    model = symde.ode_def(text)
    solution = symde.solve(symde.Problem(model, tspan=(0, 10)))

Everything below is imported when first used, so that `import symde` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from symde.lazy import import_on_use

if TYPE_CHECKING:
    from symde import testing
    from symde.derive.conservation import ConservationLaw, conservation_laws
    from symde.derive.eliminate_conserved import eliminate_conserved
    from symde.diagnostics import ModelError
    from symde.ensemble.ensemble import ensemble
    from symde.ensemble.result import Ensemble
    from symde.export import export
    from symde.fit.experiment import Experiment
    from symde.fit.fit import fit
    from symde.fit.least_squares import LeastSquares
    from symde.fit.objective import Objective
    from symde.fit.result import FitInterrupted
    from symde.integrator import Integrator
    from symde.model import Model
    from symde.model.network import Dense, Network
    from symde.model.ode_def import load, ode_def
    from symde.problem import Event, Problem, Retcode, Solution, SolveError, SolveInterrupted, Stats, remake
    from symde.sensitivity.gradient import value_and_grad
    from symde.sensitivity.integral import with_integral
    from symde.sensitivity.second_order import Hessian, hessian, hessian_vector_product
    from symde.sensitivity.sensitivities import sensitivities
    from symde.sensitivity.shadowing import Shadowing, shadowing
    from symde.sensitivity.steady_state import SteadyState, steady_state
    from symde.solve import solve
    from symde.split_function import SplitFunction

__version__ = "0.1.0"

_HOME = {
    "ConservationLaw": "symde.derive.conservation",
    "Dense": "symde.model.network",
    "Ensemble": "symde.ensemble.result",
    "Event": "symde.problem",
    "Experiment": "symde.fit.experiment",
    "FitInterrupted": "symde.fit.result",
    "Hessian": "symde.sensitivity.second_order",
    "Integrator": "symde.integrator",
    "LeastSquares": "symde.fit.least_squares",
    "Model": "symde.model",
    "ModelError": "symde.diagnostics",
    "Network": "symde.model.network",
    "Objective": "symde.fit.objective",
    "Problem": "symde.problem",
    "Retcode": "symde.problem",
    "Shadowing": "symde.sensitivity.shadowing",
    "Solution": "symde.problem",
    "SolveError": "symde.problem",
    "SolveInterrupted": "symde.problem",
    "SplitFunction": "symde.split_function",
    "Stats": "symde.problem",
    "SteadyState": "symde.sensitivity.steady_state",
    "conservation_laws": "symde.derive.conservation",
    "eliminate_conserved": "symde.derive.eliminate_conserved",
    "ensemble": "symde.ensemble.ensemble",
    "export": "symde.export",
    "fit": "symde.fit.fit",
    "hessian": "symde.sensitivity.second_order",
    "hessian_vector_product": "symde.sensitivity.second_order",
    "load": "symde.model.ode_def",
    "ode_def": "symde.model.ode_def",
    "remake": "symde.problem",
    "sensitivities": "symde.sensitivity.sensitivities",
    "shadowing": "symde.sensitivity.shadowing",
    "solve": "symde.solve",
    "steady_state": "symde.sensitivity.steady_state",
    "value_and_grad": "symde.sensitivity.gradient",
    "with_integral": "symde.sensitivity.integral",
}
_MODULES = ("testing",)
_NEED_LOWERING = (
    "Problem",
    "Integrator",
    "Objective",
    "ensemble",
    "fit",
    "hessian",
    "hessian_vector_product",
    "sensitivities",
    "value_and_grad",
)


_find = import_on_use(__name__, _HOME)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"symde.{name}")
    if name in _NEED_LOWERING:
        importlib.import_module("symde.solve")  # announces how models become systems
    return _find(name)


def __dir__() -> list[str]:
    return sorted([*_HOME, *_MODULES, "__version__"])
