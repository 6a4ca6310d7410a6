"""The chain of Fermi, Pasta, Ulam and Tsingou: 32 masses between springs that are a little nonlinear."""

from __future__ import annotations

import numpy as np

from .case import Case

MASSES = 32


def text(masses: int, end: float = 100) -> str:
    """The chain with that many masses, started in its lowest mode."""
    inner = range(1, masses + 1)
    lines = ['model Chain "masses between nonlinear springs, both ends fixed"', "  param alpha = 0.25"]
    lines += [f"  state q{i} = sin(pi*{i}/{masses + 1})" for i in inner]
    lines += [f"  state v{i} = 0" for i in inner] + [f"  time 0 .. {end}", ""]
    for i in range(masses + 1):
        left, right = (f"q{i}" if i else "0"), (f"q{i + 1}" if i < masses else "0")
        lines.append(f"  d{i} = {right} - {left}".replace(" - 0", "").replace("= 0 -", "= -"))
    lines += [f"  q{i}' = v{i}" for i in inner]
    lines += [f"  v{i}' = (d{i} - d{i - 1})*(1 + alpha*(d{i} + d{i - 1}))" for i in inner]
    return "\n".join([*lines, "end", ""])


def rhs(u, p, t):
    """q_i'' = (q_(i+1) - 2 q_i + q_(i-1)) + alpha ((q_(i+1) - q_i)² - (q_i - q_(i-1))²)."""
    q, v = u[: len(u) // 2], u[len(u) // 2 :]
    stretch = np.diff(q, axis=0, prepend=0 * q[:1], append=0 * q[:1])
    force = stretch + p[0] * stretch**2
    return np.concatenate([v, np.diff(force, axis=0)])


CASES = (
    Case(
        name="fput",
        text=text(MASSES),
        rhs=rhs,
        reference=(
            -0.0949789753901,
            -0.189104967305,
            -0.281531099726,
            -0.371422806197,
            -0.457964211674,
            -0.540364759969,
            -0.617866123703,
            -0.689749395226,
            -0.75534251,
            -0.814027800614,
            -0.865249523336,
            -0.908521145316,
            -0.943432135616,
            -0.969653974763,
            -0.986945092166,
            -0.995154463699,
            -0.994223654481,
            -0.984187171302,
            -0.965171087763,
            -0.937390011286,
            -0.90114256168,
            -0.856805613216,
            -0.804827607107,
            -0.7457212641,
            -0.680056018467,
            -0.608450459822,
            -0.531565015678,
            -0.450095044025,
            -0.364764439289,
            -0.276319792839,
            -0.185525094798,
            -0.0931569191966,
            -0.000187340160123,
            -0.00034702400875,
            -0.000452376141306,
            -0.000478674764747,
            -0.000404105216682,
            -0.00021067799312,
            0.000114912368421,
            0.000580519719457,
            0.00118791064888,
            0.00193230806828,
            0.0028021644243,
            0.0037792124017,
            0.00483883128261,
            0.00595074957461,
            0.00708007981151,
            0.00818865192722,
            0.00923658122092,
            0.0101839805352,
            0.010992708638,
            0.0116280414298,
            0.0120601607147,
            0.0122653754497,
            0.0122270188695,
            0.0119359966288,
            0.0113909910177,
            0.0105983504073,
            0.00957170913526,
            0.00833139066494,
            0.00690364711387,
            0.00531978308521,
            0.00361520334727,
            0.00182841430493,
        ),  # fmt: skip
        digits=13,
        origin="Fermi, Pasta, Ulam & Tsingou (1955), Los Alamos report LA-1940, alpha = 1/4",
        reference_origin="own computation, see make_references.py",
        floor=1.0,
        floor_reason="the masses move by about one",
        stiff=False,
    ),
)
