"""What the host asks of a model's event kernels: values, conditions, and the sides of zero."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.layout import Status
from symde.engine.cpu.library import function_address
from symde.engine.cpu.roots import RootMemory

_step = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)
_kernel = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p)


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
        self._address, self._count = ctypes.addressof(session.state), events.count
        self._sides, self._cross = (_step(function_address("roots", name)) for name in ("sides", "cross"))
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
        names = ("conditions", "priorities", "times")
        self._functions = {name: _kernel(address) for name in names if (address := events.address(name))}
        effects = [events.address(f"effect_{j}") for j in range(len(events.plans))]
        self._effects = [_kernel(address) if address else None for address in effects]
        self.has_conditions, self.has_priorities = (name in self._functions for name in names[:2])

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
        return self._called(self._functions[name], state.t)

    def effect(self, index: int, length: int) -> list[float] | None:
        """What an event sets, and its delay where it has one; None where it sets nothing."""
        kernel, state = self._effects[index], self._state
        if kernel is None:
            return None
        self._inputs[0] = state.u
        return self._called(kernel, state.t)[:length]

    def _called(self, kernel: Any, t: float) -> list[float]:
        if kernel(t, *self._tables):
            raise MemoryError("no memory to evaluate events")
        return self._view.tolist()

    def conditions(self) -> list[float]:
        """Which conditions hold, 1 or 0 each."""
        return self.values("conditions") if self.has_conditions else []

    # -- sides
    # ------------------------------------------------------------------------------------------------

    def find_sides(self) -> None:
        """The side of each root function after a change of the state."""
        if self._count and self._sides(self._address):
            raise MemoryError("no memory to evaluate events")

    def cross(self) -> list[int] | Status:
        """Let the functions at the root just found go to their other side: those that are; SLIDING where the
        solution slides along one, and kernels do not know how, UNDECIDED where nothing tells how it goes on,
        INCONSISTENT where the branches behind leave no state that fulfils the equations."""
        status = self._cross(self._address)
        if status in (Status.SLIDING, Status.UNDECIDED, Status.INCONSISTENT):
            return Status(status)
        if status:
            raise MemoryError("no memory to evaluate events")
        return [i for i, crossed in enumerate(self._crossed) if crossed]
