"""Many members of one problem: other parameters and initial values, solved side by side.

ensemble = symde.ensemble(problem, p={"k": values})
ensemble["x"], ensemble.mean("x"), ensemble.quantile([0.05, 0.95], "x")
"""
