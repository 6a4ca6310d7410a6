"""The exponential of a small dense matrix, by scaling, a Pade approximant and squaring.

Source: N. J. Higham, The scaling and squaring method for the matrix exponential revisited, SIAM Journal on
Matrix Analysis and Applications 26 (2005) 1179-1193, the approximant of degree 7 with norms up to 0.95.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.pointers import compiled, doubles

LARGEST_NORM = 0.95


@compiled
def multiply(size, a, b, out):
    """out = a b."""
    x, y, z = doubles(a), doubles(b), doubles(out)
    for i in range(size):
        row = i * size
        for j in range(size):
            z[row + j] = 0.0
        for k in range(size):
            factor = x[row + k]
            if factor != 0.0:
                for j in range(size):
                    z[row + j] += factor * y[k * size + j]


@compiled
def one_norm(size, a):
    """The largest sum of magnitudes of a column; NaN if an entry is."""
    x, largest = doubles(a), 0.0
    for j in range(size):
        total = 0.0
        for i in range(size):
            total += abs(x[i * size + j])
        if not total <= largest:
            largest = total
    return largest


@compiled
def pade_parts(size, a, square, fourth, sixth, odd, even):
    """The odd and the even part of the numerator, the former times the matrix still to come."""
    s, f, x, u, v = doubles(square), doubles(fourth), doubles(sixth), doubles(odd), doubles(even)
    for k in range(size * size):
        u[k] = x[k] + 1512.0 * f[k] + 277200.0 * s[k]
        v[k] = 56.0 * x[k] + 25200.0 * f[k] + 1995840.0 * s[k]
    for i in range(size):
        u[i * size + i] += 8648640.0
        v[i * size + i] += 17297280.0


@compiled
def eliminate(size, a, b):
    """b = a^-1 b by Gaussian elimination with partial pivoting; a is overwritten."""
    x, y = doubles(a), doubles(b)
    for k in range(size):
        pivot = k
        for i in range(k + 1, size):
            if abs(x[i * size + k]) > abs(x[pivot * size + k]):
                pivot = i
        if pivot != k:
            for j in range(size):
                x[k * size + j], x[pivot * size + j] = x[pivot * size + j], x[k * size + j]
                y[k * size + j], y[pivot * size + j] = y[pivot * size + j], y[k * size + j]
        for i in range(k + 1, size):
            factor = x[i * size + k] / x[k * size + k]
            if factor != 0.0:
                for j in range(k + 1, size):
                    x[i * size + j] -= factor * x[k * size + j]
                for j in range(size):
                    y[i * size + j] -= factor * y[k * size + j]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            factor = x[i * size + k]
            for j in range(size):
                y[i * size + j] -= factor * y[k * size + j]
        for j in range(size):
            y[i * size + j] /= x[i * size + i]


@compiled
def exponential(size, a, scratch):
    """exp(a) for a matrix of that size; `scratch` has room for seven more. The address of the result, which
    is in the scratch; a is overwritten."""
    step = 8 * size * size
    square, fourth, sixth = scratch, scratch + step, scratch + 2 * step
    odd, even, product, sum_ = scratch + 3 * step, scratch + 4 * step, scratch + 5 * step, scratch + 6 * step
    norm = one_norm(size, a)
    halvings = 0
    if norm > LARGEST_NORM and norm < math.inf:
        halvings = int(math.ceil(math.log(norm / LARGEST_NORM) / math.log(2.0)))
        x, scale = doubles(a), 0.5**halvings
        for k in range(size * size):
            x[k] *= scale
    multiply(size, a, a, square)
    multiply(size, square, square, fourth)
    multiply(size, square, fourth, sixth)
    pade_parts(size, a, square, fourth, sixth, odd, even)
    multiply(size, a, odd, product)
    p, v, d = doubles(product), doubles(even), doubles(sum_)
    for k in range(size * size):
        d[k] = v[k] - p[k]
        p[k] = v[k] + p[k]
    eliminate(size, sum_, product)
    source, target = product, square
    for _ in range(halvings):
        multiply(size, source, source, target)
        source, target = target, source
    return source
