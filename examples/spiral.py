"""A neural differential equation learns a spiral from 30 points: u' = network(u^3).

python examples/spiral.py [PNG [ITERATIONS [GIF]]]
"""

import sys

import numpy as np

import symde

truth = symde.ode_def("x' = -0.1*x^3 - 2*y^3\ny' = 2*x^3 - 0.1*y^3")
model = symde.ode_def("extern net(a, b) -> 2\n(x', y') = net(x^3, y^3)")
start, span, times = [2.0, 0.0], (0, 1.5), np.linspace(0, 1.5, 30)
options = dict(saveat=times, rtol=1e-7, atol=1e-9)
data = symde.solve(symde.Problem(truth, start, span), **options).u
network = symde.Network([symde.Dense(2, 50, "tanh"), symde.Dense(50, 2)], seed=2)
problem = symde.Problem(model.bind(net=network), start, span)


def distance(u):
    return ((u - data) ** 2).sum(), 2 * (u - data)


weights, mean, square, history = network.vector(), 0.0, 0.0, []
iterations = int(sys.argv[2]) if len(sys.argv) > 2 else 1000 if len(sys.argv) > 1 else 60
for k in range(1, iterations + 1):  # Adam with rate 0.1
    now = symde.remake(problem, p={"net": weights})
    loss, grad = symde.value_and_grad(distance, now, "Vern7", wrt="net", sensealg="discrete", **options)
    mean, square = 0.9 * mean + 0.1 * grad["net"], 0.999 * square + 0.001 * grad["net"] ** 2
    weights = weights - 0.1 * mean / (1 - 0.9**k) / (np.sqrt(square / (1 - 0.999**k)) + 1e-8)
    if k % 20 == 0:
        history.append(now)
    if k % 100 == 0 or k == iterations:
        print(f"iteration {k}: distance {loss:.3g}")
if len(sys.argv) > 1:
    import matplotlib.pyplot as plt
    from matplotlib.animation import FuncAnimation, PillowWriter

    figure, ax = plt.subplots()

    def draw(problem):
        learnt = symde.solve(problem, rtol=1e-7, atol=1e-9)(np.linspace(0, 1.5, 400))
        ax.clear(), ax.plot(*data.T, "o", *learnt.T, "-"), ax.set(xlim=(-2.5, 2.5), ylim=(-2.5, 2.5))

    draw(now), figure.savefig(sys.argv[1], dpi=120)
    if len(sys.argv) > 3:
        FuncAnimation(figure, draw, history).save(sys.argv[3], PillowWriter(10))
