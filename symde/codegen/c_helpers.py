"""The static functions that a printed C file brings along where it calls them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symde.codegen.powers import multiplication_chain
from symde.codegen.special import DIGAMMA_SERIES, SHIFT, TRIGAMMA_SERIES


def helper_functions(helpers: Iterable[str]) -> list[str]:
    """The lines of the functions named, such as `symde_min` or `symde_power5`, in a fixed order."""
    lines: list[str] = []
    wanted = set(helpers)
    for helper in sorted(wanted, key=lambda one: (len(one), one)):
        number = helper.removeprefix("symde_power")
        lines += _power(int(number)) if number.isdigit() else _HELPERS[helper].splitlines()
        lines.append("")
    return lines


def _power(exponent: int) -> list[str]:
    """x to a whole power by repeated squaring, as the compiled kernels do it."""
    names = ["x", *(f"x{step}" for step in range(1, len(multiplication_chain(exponent)) + 1))]
    lines = [f"static double symde_power{exponent}(double x)", "{"]
    for step, (a, b) in enumerate(multiplication_chain(exponent), start=1):
        lines.append(f"    const double {names[step]} = {names[a]}*{names[b]};")
    return [*lines, f"    return {names[-1]};", "}"]


def _series(coefficients: Sequence[float]) -> str:
    lines = [f"    series = {coefficients[-1]!r}*square;"]
    lines += [f"    series = (series + {one!r})*square;" for one in coefficients[-2::-1]]
    return "\n".join(lines)


_PI = "3.141592653589793"

_HELPERS = {
    "symde_number": """\
/* x itself, for operations on numbers whose value is infinite or NaN on purpose */
static double symde_number(double x)
{
    return x;
}""",
    "symde_min": """\
/* the smaller one; NaN where one of them is */
static double symde_min(double a, double b)
{
    return a < b || isnan(a) ? a : b;
}""",
    "symde_max": """\
/* the larger one; NaN where one of them is */
static double symde_max(double a, double b)
{
    return a > b || isnan(a) ? a : b;
}""",
    "symde_sign": """\
/* -1, 0 or 1; NaN of NaN */
static double symde_sign(double x)
{
    return x > 0.0 ? 1.0 : (x < 0.0 ? -1.0 : x);
}""",
    "symde_mod": """\
/* the remainder with the sign of y */
static double symde_mod(double x, double y)
{
    const double rest = fmod(x, y);
    return (rest < 0.0 && y > 0.0) || (rest > 0.0 && y < 0.0) ? rest + y : rest;
}""",
    # As in symde.codegen.special, the reflection first so that nothing calls itself.
    "symde_digamma": f"""\
/* the derivative of log(gamma(x)); Abramowitz and Stegun (1964), 6.3.5, 6.3.7, 6.3.18 */
static double symde_digamma(double x)
{{
    double rest = 0.0, square, series;
    if (!isfinite(x))
        return x > 0.0 ? x : NAN;
    if (x <= 0.0) {{
        const double part = x - floor(x);
        if (part <= 0.0)
            return NAN;
        rest = -{_PI}/tan({_PI}*part);
        x = 1.0 - x;
    }}
    for (; x < {SHIFT!r}; x += 1.0)
        rest -= 1.0/x;
    square = 1.0/(x*x);
{_series(DIGAMMA_SERIES)}
    return log(x) - 0.5/x + series + rest;
}}""",
    "symde_trigamma": f"""\
/* the derivative of digamma(x); Abramowitz and Stegun (1964), 6.4.6, 6.4.7, 6.4.12 */
static double symde_trigamma(double x)
{{
    double sign = 1.0, rest = 0.0, square, series;
    if (!isfinite(x))
        return x > 0.0 ? 0.0 : NAN;
    if (x <= 0.0) {{
        const double part = x - floor(x);
        if (part <= 0.0)
            return INFINITY;
        sign = -1.0;
        rest = ({_PI}/sin({_PI}*part))*({_PI}/sin({_PI}*part));
        x = 1.0 - x;
    }}
    for (; x < {SHIFT!r}; x += 1.0)
        rest += sign/(x*x);
    square = 1.0/(x*x);
{_series(TRIGAMMA_SERIES)}
    return sign*((1.0 + series)/x + 0.5*square) + rest;
}}""",
    "symde_spread": """\
/* moves the nonzeros at the start of J to their places in rows, from the last one on */
static void symde_spread(int rows, int columns, const int *start, const int *column, double *J)
{
    const ptrdiff_t total = (ptrdiff_t)rows*columns;
    ptrdiff_t place;
    int i, k;
    for (place = start[rows]; place < total; ++place)
        J[place] = 0.0;
    for (i = rows - 1; i >= 0; --i)
        for (k = start[i + 1] - 1; k >= start[i]; --k) {
            const double value = J[k];
            J[k] = 0.0;
            J[(ptrdiff_t)columns*i + column[k]] = value;
        }
}""",
}
