"""From a model to functions: graph, its derivatives, kernels, and one printer for each target."""
