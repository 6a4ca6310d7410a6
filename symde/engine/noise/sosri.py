"""SOSRI: a method for diagonal and for scalar noise that stays stable in long steps.

Source: C. Rackauckas, Q. Nie (2020), with the coefficients of the Julia package StochasticDiffEq.
"""

from __future__ import annotations

from symde.engine.noise.sri_tableau import SriTableau, sri_method

METHOD = sri_method(
    "SOSRI",
    1.5,
    SriTableau(
        a0=(
            "",
            "-0.04199224421316468",
            "2.842612915017106 -2.0527723684000727",
            "4.338237071435815 -2.8895936137439793 2.3017575594644466",
        ),
        a1=(
            "",
            "0.26204282091330466",
            "0.20903646383505375 -0.1502377115150361",
            "0.05836595312746999 0.6149440396332373 0.08535117634046772",
        ),
        b0=(
            "",
            "-0.21641093549612528",
            "1.5336352863679572 0.26066223492647056",
            "-1.0536037558179159 1.7015284721089472 -0.20725685784180017",
        ),
        b1=(
            "",
            "-0.5119011827621657",
            "2.67767339866713 -4.9395031322250995",
            "0.15580956238299215 3.2361551006624674 -1.4223118283355949",
        ),
        alpha="1.140099274172029 -0.6401334255743456 0.4736296532772559 0.026404498125060714",
        beta1="-1.8453464565104432 2.688764531100726 -0.2523866501071323 0.40896857551684956",
        beta2="0.4969658141589478 -0.5771202869753592 -0.12919702470322217 0.2093514975196336",
        beta3="2.8453464565104425 -2.688764531100725 0.2523866501071322 -0.40896857551684945",
        beta4="0.11522663875443433 -0.57877086147738 0.2857851028163886 0.17775911990655704",
    ),
    "Noise or decay that is fast beside the steps that accuracy asks for.",
    "C. Rackauckas, Q. Nie, Stability-optimized high order methods and stiffness detection for pathwise "
    "stiff stochastic differential equations, 2020 IEEE High Performance Extreme Computing Conference, "
    "doi:10.1109/HPEC43674.2020.9286178",
)
