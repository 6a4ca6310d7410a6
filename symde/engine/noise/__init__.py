"""Stochastic differential equations on the CPU: the methods by name, and the memory of paths."""
