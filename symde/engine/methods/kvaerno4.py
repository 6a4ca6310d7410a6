"""Kvaerno4: the pair of orders 4(3) of Kvaerno, five stages, two of them at the end of the step.

The paper has no dense output. This one solves the order conditions of all trees up to order 3, together with
two more demands: that it ends at the solution, and that it stays bounded where a component is infinitely
stiff (the sum of its weights over the stages of `stiff_stages` vanishes for every power of theta). What is
left, two numbers, makes the error of the next order smallest in the mean. It was solved in arithmetic of 60
digits.

The paper prints ten to fifteen digits; these are its conditions solved again to forty.

Source: A. Kvaerno, Singly diagonally implicit Runge-Kutta methods with an explicit first stage, BIT Numerical
Mathematics 44 (2004) 489-502, doi:10.1023/B:BITN.0000046811.70614.38, the method of order 4 with gamma
0.4358665215.
"""

from __future__ import annotations

from symde.engine.methods.esdirk import EsdirkTableau

METHOD = EsdirkTableau(
    name="Kvaerno4",
    order=4,
    embedded_order=3,
    a=(
        "",
        "0.4358665215084589994160194511935568425293 0.4358665215084589994160194511935568425293",
        (
            "0.1407377747247061961864132309262694299296 -0.1083655513813207999782253192353360264820 "
            "0.4358665215084589994160194511935568425293"
        ),
        (
            "0.1023994006199109976822794150595997362069 -0.3768784522555561060886970749014278247138 "
            "0.8386125301271861089903982086482712459776 0.4358665215084589994160194511935568425293"
        ),
        (
            "0.1570248978603249371007885739812418750001 0.1173304413704388486968184370770592278731 "
            "0.6166780303921214643483881261433096864945 -0.3268998911313442495620145883951676318970 "
            "0.4358665215084589994160194511935568425293"
        ),
    ),
    c="0 0.8717330430169179988320389023871136850586 0.4682387448518443956242073628844902459769 1 1",
    embedded=(
        "0.1023994006199109976822794150595997362069 -0.3768784522555561060886970749014278247138 "
        "0.8386125301271861089903982086482712459776 0.4358665215084589994160194511935568425293"
    ),
    interpolant=(
        (
            "1.0346815293792877428817000847336 -1.6390278871333868218532710747976 "
            "0.76137125561442401607235956404523"
        ),
        (
            "0.31377142780705885234596621164410 -0.64413095118312684567418024953925 "
            "0.44768996474650684202503247497221"
        ),
        (
            "-0.14090540611399011148382326109633 2.2973629468357890225644631630658 "
            "-1.5397795103296774467322517758262"
        ),
        (
            "0.90940272127797106038558820532955 -3.2306363534724175376595493371140 "
            "1.9943337410631022277119465433892"
        ),
        (
            "-1.1169502723503275441294312406109 3.2164322449531421826225374983850 "
            "-1.6636154510943556390770868065805"
        ),
    ),
    interpolant_order=3,
    citation=(
        "A. Kvaerno, Singly diagonally implicit Runge-Kutta methods with an explicit first stage, BIT "
        "Numerical Mathematics 44 (2004) 489-502, doi:10.1023/B:BITN.0000046811.70614.38"
    ),
    when_to_use="Stiff equations at middle tolerances.",
    source="the method of order 4 with gamma 0.4358665215",
    stability="A-stable",
)
