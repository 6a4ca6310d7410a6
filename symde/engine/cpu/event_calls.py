"""What the host asks of a model's event kernels: values, conditions, and the sides of zero."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.roots import RootMemory

EPSILON = 2.0**-52
_kernel = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p)


def resolution(t: float, h: float) -> float:
    """Times nearer to each other than this are the same; as in the compiled search."""
    return 4.0 * EPSILON * abs(t) + 1e-13 * abs(h)


def _view(array: Any) -> Any:
    """A plain view: each look into an array costs a microsecond less."""
    return memoryview(array)


class EventCalls:
    """The event kernels of a model at the present state of a session.

    Args:
        events: The model's event kernels.
        session: Whose state they read.
        memory: The root functions' values, which the loop reads too.
    """

    def __init__(self, events: Any, session: Any, memory: RootMemory) -> None:
        self._state, self._n, self._memory = session.state, session.n, memory
        self._count, self._ties = events.count, events.ties
        self._values = np.zeros(max(1, events.conditions, events.times, len(events.plans), session.n + 1))
        self._view: Any = _view(self._values)
        self.side: Any = _view(memory.values["side"])
        self._crossed: Any = _view(memory.crossed)
        # those of values change places as steps are accepted
        arrays = memory.values.values()
        self._arrays: dict[int, Any] = {array.ctypes.data: _view(array) for array in arrays}
        self._vectors: dict[int, np.ndarray] = {}
        self._inputs, self._outputs = (ctypes.c_int64 * 16)(), (ctypes.c_int64 * 2)()
        self._inputs[1], self._inputs[3] = session.p.ctypes.data, memory.values["side"].ctypes.data
        self._outputs[0] = self._values.ctypes.data
        self._tables = ctypes.addressof(self._inputs), ctypes.addressof(self._outputs)
        self._root_tables = self._tables[0], memory.outputs.ctypes.data
        names = ("roots", "conditions", "priorities", "times")
        self._functions = {name: _kernel(address) for name in names if (address := events.address(name))}
        effects = [events.address(f"effect_{j}") for j in range(len(events.plans))]
        self._effects = [_kernel(address) if address else None for address in effects]
        self.has_conditions, self.has_priorities = (name in self._functions for name in names[1:3])

    def u(self) -> np.ndarray:
        """The present state itself, which moves between two places."""
        address = self._state.u
        vector = self._vectors.get(address)
        if vector is None:
            vector = self._vectors[address] = np.frombuffer((ctypes.c_double * self._n).from_address(address))
        return vector

    def values(self, name: str) -> list[float]:
        """The values of a kernel."""
        state = self._state
        self._inputs[0] = state.u
        return self._called(self._functions[name], state.t, self._tables)

    def effect(self, index: int, length: int) -> list[float] | None:
        """What an event sets, and its delay where it has one; None where it sets nothing."""
        kernel, state = self._effects[index], self._state
        if kernel is None:
            return None
        self._inputs[0] = state.u
        return self._called(kernel, state.t, self._tables)[:length]

    def _called(self, kernel: Any, t: float, tables: tuple[int, int]) -> list[float]:
        if kernel(t, *tables):
            raise MemoryError("no memory to evaluate events")
        return self._view.tolist()

    def conditions(self) -> list[float]:
        """Which conditions hold, 1 or 0 each."""
        return self.values("conditions") if self.has_conditions else []

    # -- sides
    # ------------------------------------------------------------------------------------------------

    def learn_sides(self) -> None:
        """The sides at a start: of what is zero there the one that it goes to."""
        if self._count:
            self._memory.values["side"].fill(-1.0)
            self.find_sides({})

    def find_sides(self, noise: dict[int, float]) -> None:
        """The side of each root function after a change of the state; `noise` is how far from zero those may
        be that are at it."""
        state, side, ties = self._state, self.side, self._ties
        direction, near = state.direction, resolution(state.t, state.h_old)
        data, outputs = self._memory.data, self._memory.outputs
        at_g, at_slope = data.g, data.slope
        outputs[0], outputs[1] = at_g, at_slope
        self._inputs[0] = state.u
        self._called(self._functions["roots"], state.t, self._root_tables)
        data.known = 1  # the loop need not ask again
        slopes = self._arrays[at_slope]
        for i, value in enumerate(self._arrays[at_g]):
            if abs(value) <= abs(slopes[i]) * near + noise.get(i, 0.0):
                onward = slopes[i] * direction
                if onward != 0.0:
                    side[i] = 1.0 if onward > 0.0 else -1.0
                elif ties[i] >= 0:
                    side[i] = 2.0 * ties[i] - 1.0
            elif value > 0.0:
                side[i] = 1.0
            elif value < 0.0:
                side[i] = -1.0

    def cross(self) -> dict[int, float]:
        """Let the functions at the root just found go to their other side: of each, how far from zero its
        value may be."""
        side, g, noise = self.side, self._arrays[self._memory.data.g], {}
        for i, crossed in enumerate(self._crossed):
            if crossed:
                side[i] = -side[i]
                noise[i] = 2.0 * abs(g[i])
        return noise
