"""Checks for users' own tests.

def test_derivatives():
    symde.testing.check_derivatives(model)
"""

from symde.testing.derivatives import DerivativeReport, check_derivatives

__all__ = ["DerivativeReport", "check_derivatives"]
