"""Pulls weights of saved points back through a recorded solve: the host's side of the discrete adjoint."""

from __future__ import annotations

import ctypes
from typing import Any, Protocol

import numpy as np

from symde.engine.cpu import layout, linear_solvers
from symde.engine.cpu.adjoint import Adjoint
from symde.engine.cpu.adjoints import FAMILIES
from symde.engine.cpu.layout import KEEP_STARTS, Attempt
from symde.engine.cpu.library import function_address
from symde.engine.cpu.linear_solver import Kernels, addresses
from symde.engine.cpu.recording import Recording, address_of, tightness
from symde.engine.cpu.session import Session

TABLE = 12
"""Length of the input table: that of model kernels, and what systems keep for themselves."""

entry_type = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64)
_kernel_type = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_double, ctypes.c_int64, ctypes.c_int64)


class Products(Kernels, Protocol):
    """Products with a model's derivatives; as `Kernels` those of the transposed Jacobian."""

    mass: bool

    @property
    def timed(self) -> bool: ...


class PullBackError(ArithmeticError):
    """A recorded step could not be turned round; the reason is its message."""


class PullBack:
    """The memory of a pull-back through solves of one session.

    Args:
        session: Did the solves; steps are done again in its memory.
        products: The model's products.
    """

    def __init__(self, session: Session, products: Products) -> None:
        self.session = session
        n, m, padded = session.n, session.m, session.padded
        methods = session.methods
        families = [FAMILIES[packed.method.family] for packed in methods]
        stages = max(one.stages(packed) for one, packed in zip(families, methods, strict=True))
        degree = max(packed.degree for packed in methods)
        names = ("weights", "by_states", "factor", "solution", "start", "mass_work")
        arrays: dict[str, np.ndarray] = {name: np.zeros(padded) for name in names}
        arrays["gradient"], arrays["by_parameters"] = np.zeros(max(m, 1)), np.zeros(max(m, 1))
        arrays["stages"], arrays["coefficients"] = np.zeros(stages * padded), np.zeros((degree + 1) * padded)
        entries = len(products.pattern[1])
        scratch = [
            one.scratch(packed, padded, entries) for one, packed in zip(families, methods, strict=True)
        ]
        arrays["scratch"] = np.zeros(max(scratch) + 1)
        contexts = [
            one.context(packed, session.kernels) for one, packed in zip(families, methods, strict=True)
        ]
        self._contexts = [kept for _, kept in contexts]
        arrays["contexts"] = np.array([address for address, _ in contexts], np.int64)
        arrays["differential"] = np.zeros(n, np.int64)
        places = addresses(arrays)
        arrays["inputs"] = np.array([0, session.arrays["p"].ctypes.data, *[0] * (TABLE - 2)], np.int64)
        arrays["outputs"] = np.array([places["by_states"], places["by_parameters"], 0], np.int64)
        functions = [function_address(one.module, "adjoint") for one in families]
        arrays["adjoints"] = np.array(functions, np.int64)
        curved = any(one.curvature or one.curvature_of_mass and products.mass for one in families)
        accelerated = any(one.accelerations for one in families)
        implicit = any(packed.implicit for packed in methods)
        self._system = self._transposed_system(products) if implicit else None
        self._mass = _kernel_type(products.address("mass")) if products.mass else None
        self._data = Adjoint(
            state=ctypes.addressof(session.state),
            n=n,
            m=m,
            padded=padded,
            product=products.address("adjoint"),
            curvature=products.address("adjoint_curvature") if curved else 0,
            time=products.address("adjoint_time") if curved and products.timed else 0,
            accelerations=products.address("adjoint_accelerations") if accelerated else 0,
            transposed=products.address("transposed") if implicit else 0,
            mass=0 if self._system is None else self._system[0].mass,
            system=0 if self._system is None else ctypes.addressof(self._system[0]),
            **addresses(arrays),
        )
        self._arrays, self._address = arrays, ctypes.addressof(self._data)
        self._pull_back = entry_type(function_address("adjoint_loop", "pull_back"))
        self._follow = entry_type(function_address("adjoint_loop", "follow"))

    def _transposed_system(self, products: Products) -> tuple[Any, ...]:
        """A state for the linear solver of transposed systems, and what it holds addresses of."""
        solver = linear_solvers.choose(products)
        pointers, columns = (np.array(part, np.int64) for part in products.pattern)
        state, padded = layout.State(), self.session.padded
        arrays: dict[str, np.ndarray] = {name: np.zeros(padded) for name in ("residual", "refinement")}
        arrays.update(jacobian=np.zeros(max(len(columns), 1)), row_pointers=pointers, columns=columns)
        if products.mass:
            arrays["mass"] = np.zeros(len(columns))
        for name, place in addresses(arrays).items():
            setattr(state, name, place)
        state.n, state.padded, state.entries, state.mass_rows = products.n, padded, len(columns), products.n
        kept = solver.lay_out(products, ctypes.addressof(state), None)
        state.linear = ctypes.addressof(kept.data)
        for entry, module in solver.entries.items():
            setattr(state, entry, function_address(module, entry))
        return state, kept, arrays

    def _mark_differential(self) -> None:
        """Which rows of M have entries: columns of the transposed one."""
        assert self._system is not None
        arrays, marks = self._system[2], self._arrays["differential"]
        marks.fill(0)
        marks[arrays["columns"][np.flatnonzero(arrays["mass"])]] = 1

    def _go_over(self, record: Recording) -> np.ndarray:
        """Let the compiled functions read a record; the memory of a stretch between two recorded states."""
        data = self._data
        data.steps, data.stride = record.count, record.stride
        data.record_t, data.record_h, data.record_slot = record.places
        data.record_u = record.place_u
        segment = np.empty((record.stride if record.stride > 1 else 0, 2 * self.session.n))
        data.segment = address_of(segment) if record.stride > 1 else 0
        return segment

    def follow(self, steps: Recording, bound: int) -> Recording:
        """Do given steps in the session, in which a run has begun; their record.

        Args:
            steps: The steps.
            bound: Bytes that recorded states may take.

        Raises:
            PullBackError: a step could not be done.
        """
        session, state = self.session, self.session.state
        record = Recording.of_steps(steps, session.n, bound)
        state.keep_record, state.tightness = KEEP_STARTS, tightness(state.rtol)
        self._go_over(record)
        code = self._follow(self._address)
        if code != Attempt.FINE:
            raise PullBackError(f"a given step from t = {state.t:g} could not be done: {Attempt(code).name}")
        return record

    def run(self, record: Recording, times: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of sum(weights * u) by the initial state (n,) and by the parameters (m,).

        Args:
            record: Steps of the session.
            times: Saved times, in the order of integration.
            weights: Shape (n_times, n).

        Raises:
            PullBackError: a step could not be turned round.
        """
        data, arrays, state = self._data, self._arrays, self.session.state
        n, m = self.session.n, self.session.m
        if self._mass is not None:
            inputs, outputs = np.array([0, arrays["inputs"][1]], np.int64), np.array([data.mass], np.int64)
            self._mass(0.0, inputs.ctypes.data, outputs.ctypes.data)
            self._mark_differential()
        arrays["weights"].fill(0.0)
        arrays["gradient"].fill(0.0)
        times, weights = np.ascontiguousarray(times), np.ascontiguousarray(weights)
        segment = self._go_over(record)
        data.n_saves, data.next_save = len(times), len(times) - 1
        data.save_t, data.save_weights = address_of(times), address_of(weights)
        code = self._pull_back(self._address)
        del segment
        if code != Attempt.FINE:
            raise PullBackError(
                f"a step from t = {state.t_old:g} could not be turned round: {Attempt(code).name}. Use "
                "another method, such as Rodas5P, or sensealg='forward' or 'interpolating'"
            )
        return arrays["weights"][:n].copy(), arrays["gradient"][:m].copy()
