"""SKenCarp: the implicit part of KenCarp3 with noise that no state changes.

Sources: C. A. Kennedy, M. H. Carpenter, Appl. Numer. Math. 44 (2003), 139-181, ARK3(2)4L[2]SA, for the drift;
C. Rackauckas, Q. Nie (2020), section 4, for how noise is added to it.

The noise of the stages is not theirs. Their only two numbers, -12.2 and -14.4, move the stages by many times
what the step moves, and drifts answer: at equal tolerances paths of additive equations had up to 120 times
the error of those with the numbers here, and about the same error where decay is fast and tolerances loose.
Of the solutions of the conditions sum alpha b = 1 and sum alpha b^2 = 3/2 this is the one with b_4 = 9/5
whose others are nearest to the mean of W(c_i h) beside I_10/h, 3 (c_i - c_i^2/2). Where decay is infinitely
fast, noise of variance h g^2 ((1 - b_4/2)^2 + b_4^2/12) is left of a step: at 9/5 it is 0.28 h g^2, where the
least of all b_4 is 0.25, and theirs 56.
"""

from __future__ import annotations

from symde.engine.noise.sra_tableau import SraTableau, sra_method

METHOD = sra_method(
    "SKenCarp",
    SraTableau(
        a=(
            "",
            "1767732205903/4055673282236",
            "2746238789719/10658868560708 -640167445237/6845629431997",
            "1471266399579/7840856788654 -4482444167858/7529755066697 11266239266428/11593286722821",
        ),
        gamma="1767732205903/4055673282236",
        b=("", "0.9645019643316652", "0.8125272977077945", "9/5"),
        c1="0 0 0 1",
        alpha=(
            "1471266399579/7840856788654 -4482444167858/7529755066697 11266239266428/11593286722821 "
            "1767732205903/4055673282236"
        ),
        beta1="0 0 0 1",
        beta2="1 0 0 -1",
    ),
    "Stiff equations with noise that no state changes.",
    "C. Rackauckas, Q. Nie, Stability-optimized high order methods and stiffness detection for pathwise "
    "stiff stochastic differential equations, 2020 IEEE High Performance Extreme Computing Conference, "
    "doi:10.1109/HPEC43674.2020.9286178",
)
