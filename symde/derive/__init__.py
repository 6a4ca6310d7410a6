"""Derivations: from a model to another model or another reading of it.

`reduction.solvable` makes of implicit equations what the engine solves; `conservation` and
`eliminate_conserved` find what reactions keep; `jump_network` reads a model as a jump process. Equations of
second order are reduced, and the equations of reactions derived, by the builder itself.
"""
