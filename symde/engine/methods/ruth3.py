"""Ruth3: the first symplectic method of order 3.

Source: R. D. Ruth, A canonical integration technique, IEEE Transactions on Nuclear Science 30 (1983)
2669-2671.
"""

from __future__ import annotations

from symde.engine.methods.splitting import SplittingMethod

METHOD = SplittingMethod(
    name="Ruth3",
    order=3,
    b="7/24 3/4 -1/24",
    a="2/3 -2/3 1",
    symmetric=False,
    citation=(
        "R. D. Ruth, A canonical integration technique, IEEE Transactions on Nuclear Science 30 (1983) "
        "2669-2671, doi:10.1109/TNS.1983.4332919"
    ),
    when_to_use="Comparison with the literature; McAte3 is more accurate at the same cost.",
    source="Ruth (1983), section 3",
)
