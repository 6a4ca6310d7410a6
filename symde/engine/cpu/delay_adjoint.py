"""The memory of a discrete adjoint through delays, beside that of every discrete adjoint.

Weights of the interpolants of all steps lie as the interpolants themselves do: what a step reads of an
earlier one adds to that one's, and is there when its turn comes.
"""

from __future__ import annotations

from symde.engine.cpu.layout import int64, structure

PULLED = 11
"""Place in the input table of kernels of what a pull-back through delays works on."""

DelayAdjoint = structure(
    "DelayAdjoint",
    "What a pull-back through delays works on beside the `Adjoint` and the `DelayData` of the session.",
    adjoint=int64,
    data=int64,
    # kernels of the model
    product=int64,
    curvature=int64,
    time=int64,
    transposed=int64,
    times=int64,
    rates=int64,
    histories=int64,
    history_curvatures=int64,
    slopes=int64,  # whether the product reads derivatives of delayed values
    slopes_of_jacobian=int64,  # whether the transposed Jacobian does
    pairs=int64,
    outputs=int64,  # table: by states, parameters, values and slopes of pairs
    by_values=int64,
    by_slopes=int64,
    delayed=int64,  # values, derivatives and behind them second derivatives of pairs
    found=int64,  # second derivatives of pairs before t0
    found_outputs=int64,
    # the history: weights of its values, tables, and what they give to the initial state
    history_weights=int64,
    history_inputs=int64,
    history_outputs=int64,
    by_initial=int64,
    by_history=int64,
    initial=int64,
    # weights of the interpolants of all steps, as these are kept; `touched` says which were read
    rows=int64,
    weights=int64,
    touched=int64,
    total=int64,  # weights by the start of a step that reads its own interpolant
    # the stretch of steps that is gone over, and the state at its end where another begins there
    first=int64,
    last=int64,
    end=int64,
    # discontinuities: those of the steps that are followed, the record of what each time had passed, and
    # weights of their own times
    breaks=int64,
    orders=int64,
    n_breaks=int64,
    passed=int64,
    of_breaks=int64,
    of_times=int64,
    before=int64,  # f on either side
    after=int64,
    rate=int64,
    rate_outputs=int64,
)
