"""Kvaerno3: the pair of orders 3(2) of Kvaerno, four stages, two of them at the end of the step.

The paper has no dense output. This one solves the order conditions of all trees up to order 3, together with
two more demands: that it ends at the solution, and that it stays bounded where a component is infinitely
stiff (the sum of its weights over the stages of `stiff_stages` vanishes for every power of theta). Nothing is
left to choose. It was solved in arithmetic of 60 digits.

The paper prints ten to fifteen digits; these are its conditions solved again to forty.

Source: A. Kvaerno, Singly diagonally implicit Runge-Kutta methods with an explicit first stage, BIT Numerical
Mathematics 44 (2004) 489-502, doi:10.1023/B:BITN.0000046811.70614.38, the method of order 3 with gamma
0.4358665215.
"""

from __future__ import annotations

from symde.engine.methods.esdirk import EsdirkTableau

METHOD = EsdirkTableau(
    name="Kvaerno3",
    order=3,
    embedded_order=2,
    a=(
        "",
        "0.4358665215084589994160194511935568425293 0.4358665215084589994160194511935568425293",
        (
            "0.4905633884217805706284679584665446902307 0.07357009006976042995551259033989846723997 "
            "0.4358665215084589994160194511935568425293"
        ),
        (
            "0.3088099699767465233481624698867005109200 1.490563388421780570628467958466544690231 "
            "-1.235239879906986093392649879546802043680 0.4358665215084589994160194511935568425293"
        ),
    ),
    c="0 0.8717330430169179988320389023871136850586 1 1",
    embedded=(
        "0.4905633884217805706284679584665446902307 0.07357009006976042995551259033989846723997 "
        "0.4358665215084589994160194511935568425293"
    ),
    interpolant=(
        "1 -1.0735700900697604299555125903399 0.38238006004650695330367506022660",
        "0 4.4716901652653417118854038753996 -2.9811267768435611412569359169331",
        (
            "1.0452602553351021418409164657395 -5.7962401503911625638597825701195 "
            "3.5157400151490743286262162248331"
        ),
        (
            "-1.0452602553351021418409164657395 2.3981200751955812819298912850597 "
            "-0.91699329835202014067295536812665"
        ),
    ),
    interpolant_order=3,
    citation=(
        "A. Kvaerno, Singly diagonally implicit Runge-Kutta methods with an explicit first stage, BIT "
        "Numerical Mathematics 44 (2004) 489-502, doi:10.1023/B:BITN.0000046811.70614.38"
    ),
    when_to_use="Stiff equations at loose tolerances.",
    source="the method of order 3 with gamma 0.4358665215",
)
