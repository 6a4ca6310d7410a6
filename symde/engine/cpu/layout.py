"""The memory the compiled engine works on: C structures shared by the host (ctypes) and the compiled loop.

Everything a solve needs to stop and go on again is in one `State`; the compiled functions keep nothing of
their own. Addresses are 64-bit integers, vectors are padded with zeros to a multiple of `LANES` doubles so
that loops over them need no remainder.
"""

from __future__ import annotations

import ctypes
import struct
from enum import IntEnum

LANES = 4
"""Vectors are processed in blocks of this many doubles."""


class Phase(IntEnum):
    """Where `advance` goes on when it is entered again."""

    START = 0  # nothing evaluated yet: first right-hand side, first step size
    STEP = 1  # ready to attempt a step
    SAVE = 2  # a step was accepted, its output is not yet all written


class Status(IntEnum):
    """Why `advance` returned to the host; the first group can be re-entered."""

    DONE = 0  # t_end reached, all output written
    STOPPED = 1  # the next stop time was reached exactly
    STEPPED = 2  # one step was accepted, and the host asked to see each
    OUTPUT_FULL = 3  # the buffer of saved points is full
    DENSE_FULL = 4  # the buffer of interpolants is full
    RECORD_FULL = 6  # the buffer of recorded steps is full
    LOG_FULL = 7  # the log of jumps is full
    BUDGET = 5  # the host's allowance of attempts is used up (signals, progress)
    MAX_STEPS = 10
    STEP_TOO_SMALL = 11
    NON_FINITE = 12
    STIFF = 13
    CALLBACK = 14  # a model kernel returned a code of its own: the host knows why
    SINGULAR = 15
    DIVERGED = 16  # a step whose size is the caller's was not solved
    ROOT = 17  # a root function is at zero
    TERMINATED = 18  # an event ends the solve
    CHATTERING = 19  # events follow each other at one time without end
    ZENO = 20  # the times of events accumulate
    SLIDING = 22  # a solution slides along a switch, whose place is in `found`, and kernels know no sliding
    UNDECIDED = 24  # switches meet, of which one is in `found`, and nothing tells how the solution goes on
    BAD_RATE = 23  # a rate of a jump is none, or a jump cannot be
    INCONSISTENT = 21  # the equations without a derivative were not solved at the start


class Stage0(IntEnum):
    """What is known about the first stage of the next attempt."""

    STALE = 0  # to be evaluated
    VALID = 1  # evaluated at (t, u), as after a rejected step
    LAST = 2  # equals the last stage of the step just accepted (first same as last)


class Attempt(IntEnum):
    """Codes an attempt or a linear solve returns."""

    FINE = 0
    INACCURATE = 1  # linear solve: the backward error is above the bound
    SINGULAR = 2  # no usable factorisation: try a smaller step
    CALLBACK = 3  # a model kernel failed: give up
    DIVERGED = 4  # an iteration did not converge: try a smaller step
    NON_FINITE = 5  # an iteration met a value that is not finite: try a smaller step


def structure(name: str, doc: str, **fields: type) -> type[ctypes.Structure]:
    """A C structure with these fields in this order."""
    return type(
        name, (ctypes.Structure,), {"__doc__": doc, "_fields_": list(fields.items()), "__slots__": ()}
    )


double, int64 = ctypes.c_double, ctypes.c_int64
_d, _i = double, int64

COUNTERS = (
    "accepted", "rejected", "evaluations", "jacobians", "products", "factorisations", "solves", "refinements",
    "pivotings", "switches", "iterations", "divergences",
)  # fmt: skip
"""Counts of work, in the order in which they stand in `State`."""

Slot = structure(
    "Slot",
    "One method ready to step: its family's compiled functions, its numbers and its controller's exponents.",
    attempt=_i,  # address: int32 (State *), tries a step of size h from (t, u)
    interpolate=_i,  # address: int32 (State *), writes the interpolant of the last accepted step
    data=_i,  # the family's own structure of numbers
    memory=_i,  # address of what the family keeps between steps, doubles, 0 where it keeps nothing
    context=_i,  # address of what the family knows of the model, its own structure, 0 where nothing
    control=_i,  # address: int32 (State *), the family's own choice of step and order; 0: the PI law
    step=_i,  # a whole step of this method for this model as one kernel, 0 where there is none
    interpolant=_i,  # likewise the coefficients of its interpolant
    degree=_i,  # of the interpolant
    fsal=_i,  # the last stage is the first of the next step
    fixed=_i,  # no error estimate: the step size is the caller's
    implicit=_i,  # solves linear systems (so stiffness is no reason to leave it)
    order=_d,  # of the advancing formula, for the first step size
    alpha=_d,  # exponent of the present error (Gustafsson's PI controller)
    beta=_d,  # exponent of the previous error
    gamma=_d,  # exponent of the error of a rejected step: 1/(order of the estimate + 1)
    stability=_d,  # length of the stability region on the negative real axis, for y'' on the imaginary
    searched=_i,  # its steps are always searched for roots
    multistep=_i,  # its steps rest on earlier ones
)

State = structure(
    "State",
    "A solve: all that `advance` reads and writes.",
    # what the host sets for a run, all in one place (`RUN`)
    t=_d, t_old=_d, t_end=_d, direction=_d, rtol=_d, h_next=_d, h_max=_d, max_steps=_i, single_step=_i,
    save_steps=_i, out_t=_i, out_u=_i, out_capacity=_i, out_count=_i, saveat=_i, n_saveat=_i, next_save=_i,
    keep_dense=_i, dense_rows=_i, dense_width=_i, dense_capacity=_i, stops=_i, n_stops=_i,
    # time; t + t_low is the compensated sum
    t_low=_d, t_new=_d, t_new_low=_d, h=_d, h_old=_d,
    # size of steps
    log_error=_d, log_error_old=_d, mean_square=_d,
    # control flow
    phase=_i, non_finite=_i, budget=_i, rejected_last=_i, stage0=_i, reaches=_i, outcome=_i,
    restarted=_i,  # nothing of the past holds: set at the start, by a new state and by a change of method
    # work done
    **dict.fromkeys(COUNTERS, _i),
    # method
    slots=_i, active=_i, n_slots=_i, interpolant_ready=_i,
    # stiffness watch
    spectral_radius=_d, stiff_fraction=_d, watch=_i, stiff_hits=_i, mild_hits=_i, patience=_i, since_check=_i,
    # vectors of length `padded`
    n=_i, padded=_i, u=_i, u_new=_i, u_low=_i, u_new_low=_i, increment=_i, error=_i, atol=_i, stage=_i,
    stages=_i, coefficients=_i, direction_vector=_i, product=_i,
    # blocks of the error test: (start, rows, columns side by side); the largest norm of a column counts
    blocks=_i, n_blocks=_i,
    # model kernels (double t, const double **in, double **out) and their tables
    rhs=_i, rhs_jacobian=_i, jacobian_vector=_i, inputs=_i, outputs=_i,
    step_size=_i,  # one double: the input `step` of step kernels
    # linear systems W x = b with W = shift*M - J
    factor=_i,  # engine function int32 (State *); the next three are int32 (State *, b, x)
    solve=_i,  # accurate to the backward error, whatever it takes
    substitute=_i,  # unchecked
    accept=_i,  # is x accurate?
    pivot=_i,  # int32 (State *): factorise again with pivoting; 0 where `factor` leaves nothing to gain
    careful=_i,  # this step's solves are all checked
    shift=_d, jacobian_fresh=_i, jacobian=_i, f0=_i, time_gradient=_i, system_rhs=_i,
    stage_f=_i,
    # Newton: is J known, if of an earlier state; the shift W was factorised with, 0 if not; the rate of
    # convergence as believed, and as measured last with this J, 0 if not yet
    jacobian_known=_i, factored_shift=_d, contraction=_d, measured_rate=_d,
    residual=_i, refinement=_i, correction=_i, combined_rhs=_i, row_pointers=_i, columns=_i,
    entries=_i,  # of J, 0 where they are not kept
    linear=_i,  # the linear solver's own structure
    # M in M u' = f: its entries by the places of J's pattern, 0 where it is the identity; its rows, and the
    # columns beside the states that it multiplies as well; two vectors of work
    mass=_i, mass_rows=_i, mass_columns=_i, mass_work=_i,
    constraints=_i,  # rows of M without entries
    slope=_i,  # u' where M is not the identity, as `slope_of_start` leaves it
    slope_of_start=_i,  # address: int32 (State *), fills `slope`
    make_consistent=_i,  # address: int32 (State *), solves the equations without a derivative at (t, u)
    # address: int32 (State *), which judges whether the new state of a step solves the equations without a
    # derivative, 0 where an iteration's own judgement does; whether J and f are those of the new state, and
    # whether J and the factors of the method's own matrices may be those of different states
    settle=_i, linearised=_i, renewed=_i,
    size_of_start=_i,  # address: int32 (State *), the first step's size as `h_next`
    # what solutions keep: what is known of it, and int32 (State *) that brings an accepted step back to it, 0
    # for none; whether the last one was moved, and by what
    invariants=_i, project=_i, moved=_i, displacement=_i,
    refused=_i,  # the status of a start that cannot be gone on from, 0 for none
    pivoted=_i,  # the factors in use are those of `pivot`
    # what is kept
    next_stop=_i, step_saved=_i, dense_saved=_i, dense_count=_i,
    # the record of steps, so that they can be done again: start and end, size, slot and formula of each, and
    # the state with its compensation (2n doubles) of every `record_stride`-th
    keep_record=_i, record_saved=_i, record_t=_i, record_h=_i, record_slot=_i, record_count=_i,
    record_capacity=_i, record_u=_i, record_rows=_i, record_stride=_i,
    formula=_i,  # the one of a method's formulas that the last attempt used, where it has several
    repeating=_i,  # a recorded step is done again, with its own `formula`
    tightness=_d,  # factor of what an iteration may leave; 1, or less where the step is to be differentiated
    watched_step=_i,  # address: int32 (State *), a step that ends at the first root within it; 0: none
    roots=_i,  # the root functions, a structure of its own
    at_root=_i,  # the step just accepted ends at a root
    scheduled=_i,  # address: int32 (State *), carries out what is due at a stop; 0: the host does
    schedule=_i,  # what is due when, a structure of its own
)  # fmt: skip

KEEP_STEPS, KEEP_STARTS = 1, 2
"""What `keep_record` says: steps alone, or steps and states, so that each can be done again."""

FORMULA = 256
"""Unit of the formula in a recorded slot."""

RUN = struct.Struct(f"=7d16q{ctypes.sizeof(State) - State.t_low.offset}s")
"""`State` as it is packed for a run: its first fields, up to `n_stops`, and all others as bytes."""

BACKWARD_ERROR = 1e-10
"""Largest componentwise backward error with which the solution of a linear system is accepted."""

SUSPICION = 1e-13
"""Largest backward error of a sum of solutions that stands for them all; rounding leaves 1e-15."""

DIAGONAL_PREFERENCE = 0.1
"""Where pivots are chosen by size, the diagonal stays the pivot when it is at least this part of the largest
candidate (Duff and Reid 1979): shift*I - J has a large one, and rows of very different size, between which
the size of an entry says little. Of the stages of random stiff networks (benchmarks/robustness.py) 21 % fail
their test without it, 0.4 % with it."""

SAFETY, LARGEST_GROWTH, STRONGEST_CUT = 0.9, 10.0, 0.2
"""Limits of the step-size factor."""

SMALLEST_ERROR = 1e-12
"""Mean squares below this count as this: an error of nothing says nothing about the next step."""

TINY = 1e-300
"""Added to scales so that 0/0 does not arise; far below any scale that matters."""

STIFF_FRACTION, MILD_FRACTION = 0.7, 0.35
"""A step is at the border of stability above the first fraction of the stability interval, well inside below
the second."""

STIFF_FRACTION_OF_COLUMNS = 0.4
"""The first fraction where sensitivity columns take part: what the border amplifies shows in them before it
does in the states, and holds the step below 0.7. With columns ROBER to 100 at rtol 1e-10 takes 6566 steps at
0.7, 101 at 0.5 and 85 at 0.4; with states alone 0.5 takes FPUT's oscillations for stiffness."""

STIFF_HITS, MILD_HITS, WATCH_INTERVAL = 6, 20, 4
"""Successive findings before an automatic switch, and accepted steps between findings."""

DIVERGENCE_CUT = 0.25
"""Factor of the step after an iteration that did not converge."""

RESOLUTION = 16 * 2.0**-53
"""Steps below this fraction of t are lost in its rounding."""
