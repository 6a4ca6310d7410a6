"""SRA2: Roessler's second method for additive noise, which reads it at a third and at the end of a step.

Source: A. Roessler, SIAM J. Numer. Anal. 48 (2010), 922-952, section 6.
"""

from __future__ import annotations

from symde.engine.noise.sra_tableau import SraTableau, sra_method

METHOD = sra_method(
    "SRA2",
    SraTableau(
        a=("", "3/4"),
        b=("", "3/2"),
        c1="1/3 1",
        alpha="1/3 2/3",
        beta1="0 1",
        beta2="3/2 -3/2",
    ),
    "Noise that no state changes, as SRA1.",
    "A. Roessler, Runge-Kutta methods for the strong approximation of solutions of stochastic differential "
    "equations, SIAM J. Numer. Anal. 48 (2010), 922-952, doi:10.1137/09076636X",
)
