"""SOSRA: a method for additive noise that stays stable in long steps.

Source: C. Rackauckas, Q. Nie (2020), with the coefficients of the Julia package StochasticDiffEq.
"""

from __future__ import annotations

from symde.engine.noise.sra_tableau import SraTableau, sra_method

METHOD = sra_method(
    "SOSRA",
    SraTableau(
        a=("", "0.6923962376159507", "-3.1609142252828395 4.1609142252828395"),
        b=("", "1.3371632704399763", "1.442371048468624 1.8632741501139225"),
        c1="0 0.041248171110700504 1",
        alpha="0.2889874966892885 0.6859880440839937 0.025024459226717772",
        beta1="-16.792534242221663 17.514995785380226 0.27753845684143835",
        beta2="0.4237535769069274 0.6010381474428539 -1.0247917243497813",
    ),
    "Decay that is fast beside the steps that accuracy asks for.",
    "C. Rackauckas, Q. Nie, Stability-optimized high order methods and stiffness detection for pathwise "
    "stiff stochastic differential equations, 2020 IEEE High Performance Extreme Computing Conference, "
    "doi:10.1109/HPEC43674.2020.9286178",
)
