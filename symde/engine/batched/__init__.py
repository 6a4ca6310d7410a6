"""Solves of many trajectories at once, in torch: `from symde.engine.batched import integrate`."""

from symde.engine.batched.integrate import integrate
from symde.engine.batched.result import Integrated

__all__ = ["Integrated", "integrate"]
