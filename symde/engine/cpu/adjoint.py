"""The memory of a discrete adjoint: what is pulled back through the recorded steps of a solve.

A step is done again from its recorded start, which gives its stages anew, and then turned round by the
family's entry `adjoint`: from the derivative of a number by the end of the step to that by its start, while
the derivative by the parameters is summed up.
"""

from __future__ import annotations

from symde.engine.cpu.layout import double, int64, structure

Adjoint = structure(
    "Adjoint",
    "A pull-back: all that `adjoint_loop` and the families' adjoints read and write.",
    state=int64,  # the State in which steps are done again
    adjoints=int64,  # for each slot: address of int32 (Adjoint *), the family's `adjoint`
    n=int64,
    m=int64,
    padded=int64,
    # derivatives of the number that is differentiated
    weights=int64,  # by the end of the step, then by its start, `padded`
    gradient=int64,  # by the parameters, m
    coefficients=int64,  # by the coefficients of the interpolant, (degree + 1) * padded
    interpolated=int64,  # whether any of these is not zero
    stages=int64,  # by the stages, as many as the method has
    start=int64,  # by the start of the step past its own way there: of interpolants, `padded`
    scratch=int64,  # what a family's adjoint works on
    scale=double,  # what a product is multiplied with as it is added up
    contexts=int64,  # for each slot: what its adjoint must know of the method and the model, 0 where nothing
    # products of the model
    product=int64,  # kernel: w'J and w'P
    curvature=int64,  # kernel: derivatives of w'Jk
    time=int64,  # kernel: derivatives of w'f_t, 0 where f does not depend on t
    accelerations=int64,  # kernel: w'J and w'P of the accelerations, 0 where there are none
    transposed=int64,  # kernel: values of the transposed Jacobian
    inputs=int64,
    outputs=int64,
    by_states=int64,
    by_parameters=int64,
    factor=int64,  # right side and solution of transposed systems, `padded` each
    solution=int64,
    mass=int64,  # of the transposed M by the places of the transposed Jacobian, 0 where it is the identity
    mass_work=int64,  # M' times a vector, `padded`
    differential=int64,  # whether M has entries in each row
    system=int64,  # a State for the linear solver of transposed systems, 0 where none are solved
    # the record: start, end and size of every step, its slot, and the states of every `stride`-th
    steps=int64,
    record_t=int64,
    record_h=int64,
    record_slot=int64,
    record_u=int64,
    stride=int64,
    segment=int64,  # states of the steps of one stretch between recorded ones, 2n each
    # what is pulled back: the saved times and their weights, rows of n
    n_saves=int64,
    save_t=int64,
    save_weights=int64,
    next_save=int64,
)
