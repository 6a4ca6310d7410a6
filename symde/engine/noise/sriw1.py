"""SRIW1: Roessler's stochastic Runge-Kutta method for diagonal and for scalar noise.

Source: A. Roessler, SIAM J. Numer. Anal. 48 (2010), 922-952, table 6.1.
"""

from __future__ import annotations

from symde.engine.noise.sri_tableau import SriTableau, sri_method

METHOD = sri_method(
    "SRIW1",
    2.0,
    SriTableau(
        a0=("", "3/4", "", ""),
        a1=("", "1/4", "1", "0 0 1/4"),
        b0=("", "3/2", "", ""),
        b1=("", "1/2", "-1", "-5 3 1/2"),
        alpha="1/3 2/3 0 0",
        beta1="-1 4/3 2/3 0",
        beta2="-1 4/3 -1/3 0",
        beta3="2 -4/3 -2/3 0",
        beta4="-2 5/3 -2/3 1",
    ),
    "A Brownian motion for each state that reads that state alone, or one for all.",
    "A. Roessler, Runge-Kutta methods for the strong approximation of solutions of stochastic differential "
    "equations, SIAM J. Numer. Anal. 48 (2010), 922-952, doi:10.1137/09076636X",
)
