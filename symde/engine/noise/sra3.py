"""SRA3: Roessler's method for additive noise, of order 3 where there is none.

Source: A. Roessler, SIAM J. Numer. Anal. 48 (2010), 922-952, section 6.
"""

from __future__ import annotations

from symde.engine.noise.sra_tableau import SraTableau, sra_method

METHOD = sra_method(
    "SRA3",
    SraTableau(
        a=("", "1", "1/4 1/4"),
        b=("", "", "1 1/2"),
        c1="1 0 0",
        alpha="1/6 1/6 2/3",
        beta1="1 0 0",
        beta2="-1 1 0",
    ),
    "Little noise beside a smooth drift: without noise it is of order 3.",
    "A. Roessler, Runge-Kutta methods for the strong approximation of solutions of stochastic differential "
    "equations, SIAM J. Numer. Anal. 48 (2010), 922-952, doi:10.1137/09076636X",
)
