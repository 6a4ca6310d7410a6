"""Derivations: functions from a model to a model.

`reduction.solvable` makes of implicit equations what the engine solves; equations of second order are reduced
by the builder itself.
"""
