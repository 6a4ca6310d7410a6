"""The one-step methods whose numbers are tableaus: what the tests of coefficients run over."""

from symde.engine.methods import registry

FAMILIES = ("explicit", "explicit_two_estimates", "rosenbrock", "esdirk")
METHODS = [method for method in registry.methods() if method.family in FAMILIES]
