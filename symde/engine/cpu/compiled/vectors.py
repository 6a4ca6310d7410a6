"""Arithmetic on padded vectors, in blocks of four lanes the compiler can keep in one register."""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import compiled, doubles


@compiled
def combine(padded, base, scale, weights, count, vectors, out):
    """out = base + scale * sum_j weights[j] * vectors[j]; `vectors` lie one after another."""
    b, w, v, o = doubles(base), doubles(weights), doubles(vectors), doubles(out)
    for i in range(0, padded, 4):
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        at = i
        for j in range(count):
            weight = w[j]
            s0 += weight * v[at]
            s1 += weight * v[at + 1]
            s2 += weight * v[at + 2]
            s3 += weight * v[at + 3]
            at += padded
        o[i] = b[i] + scale * s0
        o[i + 1] = b[i + 1] + scale * s1
        o[i + 2] = b[i + 2] + scale * s2
        o[i + 3] = b[i + 3] + scale * s3


@compiled
def weighted_sum(padded, scale, weights, count, vectors, out):
    """out = scale * sum_j weights[j] * vectors[j]."""
    w, v, o = doubles(weights), doubles(vectors), doubles(out)
    for i in range(0, padded, 4):
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        at = i
        for j in range(count):
            weight = w[j]
            s0 += weight * v[at]
            s1 += weight * v[at + 1]
            s2 += weight * v[at + 2]
            s3 += weight * v[at + 3]
            at += padded
        o[i] = scale * s0
        o[i + 1] = scale * s1
        o[i + 2] = scale * s2
        o[i + 3] = scale * s3


@compiled
def weighted_sums(padded, scale, weights, rows, count, vectors, out):
    """out_m = scale * sum_j weights[m, j] * vectors[j] for each of the rows, which are `count` wide.

    All rows of one block before the next: long vectors are read from memory once.
    """
    w, v, o = doubles(weights), doubles(vectors), doubles(out)
    for i in range(0, padded, 4):
        for m in range(rows):
            s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
            at = i
            for j in range(m * count, (m + 1) * count):
                weight = w[j]
                s0 += weight * v[at]
                s1 += weight * v[at + 1]
                s2 += weight * v[at + 2]
                s3 += weight * v[at + 3]
                at += padded
            place = m * padded + i
            o[place] = scale * s0
            o[place + 1] = scale * s1
            o[place + 2] = scale * s2
            o[place + 3] = scale * s3


@compiled
def two_weighted_sums(padded, first, second, count, vectors, out_first, out_second):
    """Both sums over the same vectors in one pass: sum_j first[j]*v_j and sum_j second[j]*v_j."""
    f, g, v = doubles(first), doubles(second), doubles(vectors)
    o, q = doubles(out_first), doubles(out_second)
    for i in range(0, padded, 4):
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        r0, r1, r2, r3 = 0.0, 0.0, 0.0, 0.0
        at = i
        for j in range(count):
            x, y = f[j], g[j]
            s0 += x * v[at]
            r0 += y * v[at]
            s1 += x * v[at + 1]
            r1 += y * v[at + 1]
            s2 += x * v[at + 2]
            r2 += y * v[at + 2]
            s3 += x * v[at + 3]
            r3 += y * v[at + 3]
            at += padded
        o[i], o[i + 1], o[i + 2], o[i + 3] = s0, s1, s2, s3
        q[i], q[i + 1], q[i + 2], q[i + 3] = r0, r1, r2, r3


@compiled
def copy(length, source, target):
    """target = source."""
    s, t = doubles(source), doubles(target)
    for i in range(length):
        t[i] = s[i]


@compiled
def clear(length, target):
    """target = 0."""
    t = doubles(target)
    for i in range(length):
        t[i] = 0.0


@compiled
def advance_compensated(state):
    """u_new = u + increment with the rounding error carried along (Kahan 1965).

    The compensation keeps the rounding of long solves at the level of one addition: sums that the equations
    conserve stay so to a few units in the last place.
    """
    u, low = doubles(state.u), doubles(state.u_low)
    u_new, low_new = doubles(state.u_new), doubles(state.u_new_low)
    increment = doubles(state.increment)
    for i in range(state.padded):
        y = increment[i] + low[i]
        total = u[i] + y
        u_new[i] = total
        low_new[i] = y - (total - u[i])
