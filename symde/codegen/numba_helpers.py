"""The functions that a printed numba module brings along where it calls them."""

from __future__ import annotations

from collections.abc import Sequence

from symde.codegen.special import DIGAMMA_SERIES, SHIFT, TRIGAMMA_SERIES

COMPILED = '@numba.njit(error_model="numpy")'
"""What stands above every compiled function: division by zero gives an infinity, as in C."""


def _series(coefficients: Sequence[float]) -> list[str]:
    lines = [f"    series = {coefficients[-1]!r} * square"]
    return lines + [f"    series = (series + {one!r}) * square" for one in coefficients[-2::-1]]


# As in symde.codegen.special, the reflection first so that nothing calls itself.
HELPERS: dict[str, list[str]] = {
    "digamma": [
        COMPILED,
        "def digamma(x):",
        '    """The derivative of log(gamma(x)); Abramowitz and Stegun (1964), 6.3.5, 6.3.7, 6.3.18."""',
        "    if not math.isfinite(x):",
        "        return x if x > 0.0 else math.nan",
        "    rest = 0.0",
        "    if x <= 0.0:",
        "        if x == np.floor(x):",
        "            return math.nan",
        "        rest = -math.pi / math.tan(math.pi * (x - np.floor(x)))",
        "        x = 1.0 - x",
        f"    while x < {SHIFT!r}:",
        "        rest -= 1.0 / x",
        "        x += 1.0",
        "    square = 1.0 / (x * x)",
        *_series(DIGAMMA_SERIES),
        "    return math.log(x) - 0.5 / x + series + rest",
    ],
    "trigamma": [
        COMPILED,
        "def trigamma(x):",
        '    """The derivative of digamma(x); Abramowitz and Stegun (1964), 6.4.6, 6.4.7, 6.4.12."""',
        "    if not math.isfinite(x):",
        "        return 0.0 if x > 0.0 else math.nan",
        "    sign, rest = 1.0, 0.0",
        "    if x <= 0.0:",
        "        if x == np.floor(x):",
        "            return math.inf",
        "        sign, rest = -1.0, (math.pi / math.sin(math.pi * (x - np.floor(x)))) ** 2",
        "        x = 1.0 - x",
        f"    while x < {SHIFT!r}:",
        "        rest += sign / (x * x)",
        "        x += 1.0",
        "    square = 1.0 / (x * x)",
        *_series(TRIGAMMA_SERIES),
        "    return sign * ((1.0 + series) / x + 0.5 * square) + rest",
    ],
}
"""Name -> lines."""
