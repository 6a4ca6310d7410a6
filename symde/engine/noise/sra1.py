"""SRA1: Roessler's stochastic Runge-Kutta method for additive noise.

Source: A. Roessler, SIAM J. Numer. Anal. 48 (2010), 922-952, table 6.3.
"""

from __future__ import annotations

from symde.engine.noise.sra_tableau import SraTableau, sra_method

METHOD = sra_method(
    "SRA1",
    SraTableau(
        a=("", "3/4"),
        b=("", "3/2"),
        c1="1 0",
        alpha="1/3 2/3",
        beta1="1 0",
        beta2="-1 1",
    ),
    "Noise that no state changes.",
    "A. Roessler, Runge-Kutta methods for the strong approximation of solutions of stochastic differential "
    "equations, SIAM J. Numer. Anal. 48 (2010), 922-952, doi:10.1137/09076636X",
)
