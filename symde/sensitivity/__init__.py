"""Derivatives of solves: by parameters and initial values, one file a strategy.

sens = symde.sensitivities(problem, saveat=0.1)
value, grad = symde.value_and_grad(loss, problem, saveat=0.1)
"""
