"""What systems with jumps have in common: names and values are those of the model without them, and what is
counted starts at whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symde.derive.jump_network import JumpNetwork
from symde.engine.cpu.jump_layout import LARGEST_COUNT
from symde.path_system import PathSystem
from symde.problem.system import System


class CountingSystem(PathSystem):
    """A process with jumps.

    Args:
        base: The model's system without its jumps, whose names, defaults and observed quantities it has.
        network: Its jumps.
        whole: By state, whether it must be a whole number.
    """

    members = "symde.ensemble.jump_paths"

    def __init__(self, base: System, network: JumpNetwork, whole: tuple[bool, ...]) -> None:
        self.network = network
        self.state_names, self.parameter_names = base.state_names, base.parameter_names
        self.observable_names = base.observable_names
        self.nominal: Any = base.nominal
        self.plans: Any = None
        self.solved: Any = None
        self.sessions: dict[Any, list[Any]] = {}
        self._base: Any = base
        self._whole = np.array(whole)
        self.parameters, self.time_span = base.parameters, base.time_span
        self.observe, self.unit = base.observe, base.unit

    def initial_state(self, p: np.ndarray, t0: float, given: Mapping[str, float]) -> np.ndarray:
        """The initial state.

        Raises:
            ValueError: what is counted is no whole number, or a number of molecules is negative.
        """
        u0 = self._base.initial_state(p, t0, given)
        self._refuse_counts(u0)
        return u0

    def start_of_members(self, *given: Any) -> tuple[np.ndarray, np.ndarray]:
        """Parameters and initial states of several members; arguments as of `ModelSystem`."""
        p, u0 = self._base.start_of_members(*given)
        self._refuse_counts(u0)
        return p, u0

    @property
    def span_is_fixed(self) -> bool:
        """Whether the model's own time span follows no parameter."""
        return self._base.span_is_fixed

    def _refuse_counts(self, u0: np.ndarray) -> None:
        """Refuse initial states, shape (n,) or (members, n), that count nothing.

        Raises:
            ValueError: one is no whole number, or a number of molecules is negative.
        """
        names, finite = self.state_names, np.isfinite(u0)  # what is not, the problem refuses itself
        broken = finite & ((u0 != np.round(u0)) | (np.abs(u0) >= LARGEST_COUNT)) & self._whole
        if broken.any():
            place = tuple(np.argwhere(broken)[0])
            raise ValueError(
                f"state `{names[place[-1]]}` starts at {u0.item(place)!r}: a jump process counts in whole "
                "numbers below 2**53"
            )
        negative = finite & (u0 < 0) & np.array(self.network.counted)
        if negative.any():
            place = tuple(np.argwhere(negative)[0])
            raise ValueError(
                f"species `{names[place[-1]]}` starts at {u0[place]:g}: there cannot be fewer than none"
            )
