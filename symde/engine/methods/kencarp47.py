"""KenCarp47: the additive pair of orders 4(3) of Kennedy and Carpenter, seven stages.

The paper has no dense output. This one solves the order conditions of all trees up to order 3, of both halves
of the pair and coupled, together with two more demands: that it ends at the solution, and that it stays
bounded where a component is infinitely stiff (the sum of its weights over the stages of `stiff_stages`
vanishes for every power of theta). What is left, four numbers, makes the error of the next order smallest in
the mean. It was solved in arithmetic of 60 digits.

Source: C. A. Kennedy, M. H. Carpenter, Higher-order additive Runge-Kutta schemes for ordinary differential
equations, Applied Numerical Mathematics 136 (2019) 183-205, doi:10.1016/j.apnum.2018.10.007, tables of
ARK4(3)7L[2]SA1.
"""

from __future__ import annotations

from symde.engine.methods.esdirk import EsdirkTableau

METHOD = EsdirkTableau(
    name="KenCarp47",
    order=4,
    embedded_order=3,
    a=(
        "",
        "1235/10000 1235/10000",
        "624185399699/4186980696204 624185399699/4186980696204 1235/10000",
        "1258591069120/10082082980243 1258591069120/10082082980243 -322722984531/8455138723562 1235/10000",
        (
            "-436103496990/5971407786587 -436103496990/5971407786587 -2689175662187/11046760208243 "
            "4431412449334/12995360898505 1235/10000"
        ),
        (
            "-2207373168298/14430576638973 -2207373168298/14430576638973 242511121179/3358618340039 "
            "3145666661981/7780404714551 5882073923981/14490790706663 1235/10000"
        ),
        (
            "0 0 9164257142617/17756377923965 -10812980402763/74029279521829 1335994250573/5691609445217 "
            "2273837961795/8368240463276 1235/10000"
        ),
    ),
    c="0 247/1000 4276536705230/10142255878289 67/200 3/40 7/10 1",
    embedded=(
        "0 0 4469248916618/8635866897933 -621260224600/4094290005349 696572312987/2942599194819 "
        "1532940081127/5565293938103 2441/20000"
    ),
    interpolant=(
        "0",
        "0",
        (
            "-0.56687803645656761219263472921458 1.6515641816199561200997061275917 "
            "-0.56857541684596480654098699009462"
        ),
        (
            "0.50871986476963774780376178732090 0.31821210998052069614618493336704 "
            "-0.97299553868872924231608424391570"
        ),
        (
            "1.1550728597388095038830249381071 -2.0637498453676338270687799006972 "
            "1.1434074715190176346774265719938"
        ),
        (
            "-0.26296746629466162010559261550767 0.80728095489364553384802276710674 "
            "-0.27259113886803012823404978661578"
        ),
        (
            "0.16605277824278198061143819530228 -0.71330740112648852302512552608593 "
            "0.67075462288370654241368759933461"
        ),
    ),
    interpolant_order=3,
    citation=(
        "C. A. Kennedy, M. H. Carpenter, Higher-order additive Runge-Kutta schemes for ordinary differential "
        "equations, Applied Numerical Mathematics 136 (2019) 183-205, doi:10.1016/j.apnum.2018.10.007"
    ),
    when_to_use="Split equations at middle tolerances, with smaller errors than KenCarp4.",
    source="tables of ARK4(3)7L[2]SA1",
    explicit_a=(
        "",
        "247/1000",
        "247/4000 2694949928731/7487940209513",
        "464650059369/8764239774964 878889893998/2444806327765 -952945855348/12294611323341",
        (
            "476636172619/8159180917465 -1271469283451/7793814740893 -859560642026/4356155882851 "
            "1723805262919/4571918432560"
        ),
        (
            "6338158500785/11769362343261 -4970555480458/10924838743837 3326578051521/2647936831840 "
            "-880713585975/1841400956686 -1428733748635/8843423958496"
        ),
        (
            "760814592956/3276306540349 760814592956/3276306540349 -47223648122716/6934462133451 "
            "71187472546993/9669769126921 -13330509492149/9695768672337 11565764226357/8513123442827"
        ),
    ),
)
