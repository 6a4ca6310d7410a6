"""Paths of stochastic differential equations in torch: many side by side, on any device, through modules.

A path is the one that the compiled engine follows for the same seed, number and step size, to rounding.
"""
