"""The numbers of ROCK2 and ROCK4 from their definition; `python -m tests.methods.make_rock ROCK2` prints.

The stability polynomial of degree s is R = w P: w of degree 2 or 4 with complex roots, P orthogonal on
[-1, 1] with the weight w^2/sqrt(1 - x^2), so that R ripples with nearly one height. The roots follow from
the order at x = 1 and from that height, 0.95. P is taken by its recurrence of three terms, w by a short
Runge-Kutta method behind it whose coefficients make the whole of the order claimed.

Source: A. Abdulle, A. Medovikov, Second order Chebyshev methods based on orthogonal polynomials,
Numerische Mathematik 90 (2001) 1-18; A. Abdulle, Fourth order Chebyshev methods with recurrence relation,
SIAM Journal on Scientific Computing 23 (2002) 2041-2054.
"""

from __future__ import annotations

import sys
from math import comb, factorial

import numpy as np
from scipy.optimize import fsolve, least_squares

from symde.engine.methods.stabilised import Recurrence, composed, weight_polynomial
from symde.engine.methods.trees import conditions

HEIGHT = 0.95
_FIRST = (
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    16,
    18,
    20,
    22,
    24,
    27,
    30,
    34,
    38,
    43,
    48,
    54,
    61,
    69,
    78,
    88,
    100,
)
DEGREES = {2: (3, 4, *_FIRST, 113, 128, 145, 165, 190, 220), 4: (*_FIRST, 113, 128, 145, 165, 190)}


def derivatives(recurrence, x, highest):
    """P and its derivatives at x, up to a common factor."""
    before, here = np.zeros(highest + 1), np.zeros(highest + 1)
    here[0] = 1.0
    for a, b in zip(recurrence.a, recurrence.b, strict=True):
        following = (x - a) * here - b * before
        following[1:] += np.arange(1, highest + 1) * here[:-1]
        before, here = 2 * here, 2 * following
    return here


def values(recurrence, x):
    """P at many points, up to the same factor."""
    before, here = np.zeros_like(x), np.ones_like(x)
    for a, b in zip(recurrence.a, recurrence.b, strict=True):
        before, here = 2 * here, 2 * ((x - a) * here - b * before)
    return here


def defects(roots, s, order):
    """What is missing in the order at x = 1, and in the height of the ripples."""
    w = weight_polynomial(roots, s)
    recurrence = Recurrence.of(roots, s)
    P, W = derivatives(recurrence, 1.0, order), [w.deriv(k)(0.0) if k else w(0.0) for k in range(order + 1)]
    R = np.array([sum(comb(k, j) * P[j] * W[k - j] for j in range(k + 1)) for k in range(order + 1)])
    R /= R[0]
    angles = np.linspace(0, np.pi, 80 * s + 1)[1:]
    shapes = values(recurrence, np.cos(angles)) * w(-2 * np.sin(0.5 * angles) ** 2)
    size = np.abs(shapes / (P[0] * W[0]))
    inner = (size[1:-1] >= size[:-2]) & (size[1:-1] >= size[2:])
    height = max(size[1:-1][inner].max(initial=0.0), size[-1])
    return [*(R[k] / R[1] ** k - 1 for k in range(2, order + 1)), height - HEIGHT]


def roots_of(s, order, guess):
    """The roots of w, as 1 - p/s^2 +- i q/s^2: p and q of each pair."""
    found = fsolve(defects, guess, args=(s, order), xtol=1e-12)
    for _ in range(8):  # the height needs few digits, the order all: the nearest roots that have it
        missing = np.array(defects(found, s, order)[:-1])
        steps = 1e-6 * np.diag(found)
        J = [(np.array(defects(found + d, s, order)[:-1]) - missing) / d.sum() for d in steps]
        found = found - np.linalg.lstsq(np.array(J).T, missing, rcond=None)[0]
    left = np.abs(defects(found, s, order))
    if left[:-1].max() > 1e-9 or left[-1] > 1e-3:
        raise RuntimeError(f"degree {s}: the roots miss {left}")
    return found


def finishing_of_order_two(roots, s):
    """a, b and the error weights of the two-stage finish: two steps of sigma, and what tau asks for."""
    recurrence = Recurrence.of(roots, s)
    w = weight_polynomial(roots, s)
    scale = 2 / recurrence.length
    first, second = w.deriv()(0.0) / w(0.0) * scale, 0.5 * w.deriv(2)(0.0) / w(0.0) * scale**2
    sigma, tau = 0.5 * first, second
    a = np.array([[0, 0], [sigma, 0]])
    b = np.array([2 * sigma - tau / sigma, tau / sigma])
    extra = sigma * (1 - tau / sigma**2)
    return a, b, np.array([extra, -extra, 0.0])


def unpack(x):
    a = np.zeros((4, 4))
    a[1, 0], a[2, :2], a[3, :3] = x[0], x[1:3], x[3:6]
    return a, x[6:10]


def finishing_of_order_four(roots, s, guess):
    """The four-stage finish nearest to the guess, and the embedded weights of order 3 with f at the end."""
    recurrence = Recurrence.of(roots, s)

    def missing(x):
        a, b = unpack(x)
        A, B, _ = composed(recurrence, a, b)
        found = conditions(4, A)
        return (found.vectors @ B - found.targets) / found.targets

    solved = least_squares(
        missing, guess, method="lm" if len(guess) <= 8 else "trf", xtol=3e-16, ftol=3e-16, gtol=3e-16
    )
    x = solved.x
    for _ in range(20):  # Gauss and Newton's smallest step, to the last digit
        f = missing(x)
        J = np.array([(missing(x + 1e-7 * e) - f) / 1e-7 for e in np.eye(10)]).T
        x = x - np.linalg.lstsq(J, f, rcond=None)[0]
    if np.abs(missing(x)).max() > 1e-9:
        raise RuntimeError(f"degree {s}: finish misses its conditions by {np.abs(missing(x)).max():.1e}")
    a, b = unpack(x)
    A, B, last = composed(recurrence, a, b)
    full = np.vstack([np.hstack([A, np.zeros((len(A), 1))]), np.append(B, 0.0)])
    found = conditions(4, full)
    places = [*range(len(A) - 4, len(A)), len(A)]
    low = found.orders <= 3
    null = np.linalg.svd(found.vectors[low][:, places])[2][-1]
    # the embedded solution misses the condition of the tall tree by half of its own
    tall = found.vectors[~low][:, places] @ null
    return x, a, b, null * (0.5 / factorial(4)) / np.abs(tall).max()


def rows(order):
    guess = np.array([3.3, 3.4]) if order == 2 else np.array([1.7, 20.5, 14.3, 7.6])
    start, x = (20 if order == 4 else 10), np.array([0.2, 0.0, 0.2, 0.0, 0.0, 0.4, 0.07, 0.13, 0.13, 0.07])
    found = {}
    middle = DEGREES[order].index(start)
    for sequence in (DEGREES[order][middle:], DEGREES[order][middle::-1]):
        r, y = guess, x
        for s in sequence:
            r = roots_of(s, order, r)
            if order == 2:
                a, b, e = finishing_of_order_two(r, s)
            else:
                y, a, b, e = finishing_of_order_four(r, s, y)
            found[s] = (r, a[np.tril_indices(len(a), -1)], b, e)
    return sorted(found.items())


def main(name):
    for s, (roots, a, b, e) in rows(int(name[-1])):
        parts = (" ".join(f"{x:.17g}" for x in part) for part in (roots, a, b, e))
        print(f"{s}; {'; '.join(parts)}")


if __name__ == "__main__":
    main(sys.argv[1])
