"""Whole steps of methods for noise as kernels, for several paths side by side.

A path of few states spends most of its time between the pieces of a step: calls, short loops, weights that
are zero. Here a method's numbers are constants of the code, and what a stage does not read is not computed.
Each lane has its own state, parameters and random numbers; all have one time and one step size. What a lane
gets is the same arithmetic whatever is in the others, so that a path is the same beside any others.
"""

from __future__ import annotations

from symde.codegen.noise_steps.choice import lane_pull, lane_push, lane_step
from symde.codegen.noise_steps.step import NOISE_STEP_INPUTS, SIZES

__all__ = ["NOISE_STEP_INPUTS", "SIZES", "lane_pull", "lane_push", "lane_step"]
