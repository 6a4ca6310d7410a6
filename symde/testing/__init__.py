"""Checks for users' own tests.

def test_derivatives():
    symde.testing.check_derivatives(model)
"""

from symde.testing.conserved import ConservedReport, check_conserved
from symde.testing.derivatives import DerivativeReport, check_derivatives

__all__ = ["ConservedReport", "DerivativeReport", "check_conserved", "check_derivatives"]
