"""Models and data: losses of data, their residuals and derivatives, and fits.

loss = symde.LeastSquares((times, values), names=["y1"], sigma=0.1)
value, grad = symde.value_and_grad(loss, problem)
result = symde.fit(problem, loss, parameters=["k1", "k2"])
"""
