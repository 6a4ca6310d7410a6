"""A front that spreads, u_t = D u_xx + r u (1 - u) (u - 0.3): a text made by a program, solved in five ways.

python examples/heat.py [PNG]
"""

import sys

from matplotlib import pyplot

import symde

N = 150
lines = ["param D = 0.01, r = 32"]
for i in range(N):
    left, right = max(i - 1, 0), min(i + 1, N - 1)  # nothing flows through the ends
    lines.append(f"state u{i} = exp(-({i}/{N}*4)^2)")
    lines.append(f"u{i}' = stiff(D*{N}^2*(u{left} - 2*u{i} + u{right})) + r*u{i}*(1 - u{i})*(u{i} - 0.3)")
problem = symde.Problem("\n".join(lines), tspan=(0, 4))

exact = symde.solve(problem, "Rodas5P", rtol=1e-9, atol=1e-11).u[-1]
print(f"{'':10}{'steps':>8}{'evaluations':>14}{'factorisations':>16}{'error':>10}")
for method, what in (
    ("Tsit5", "explicit: stability holds its step down"),
    ("ROCK4", "explicit, with as many stages as stability asks for"),
    ("KenCarp4", "implicit in what stiff(...) marks, explicit in the rest"),
    ("Rodas5P", "implicit, with a new matrix each step"),
    ("QNDF", "implicit, with one matrix for many steps"),
):
    solution = symde.solve(problem, method, rtol=1e-5)
    work, error = solution.stats, abs(solution.u[-1] - exact).max()
    print(f"{method:10}{work.steps:8}{work.evaluations:14}{work.factorisations:16}{error:10.0e}  {what}")

if len(sys.argv) > 1:
    figure, ax = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for t in range(5):
        ax.plot([i / N for i in range(N)], solution(t), label=f"t = {t}")
    ax.set(xlabel="x", ylabel="u")
    ax.legend()
    figure.savefig(sys.argv[1], dpi=150)
