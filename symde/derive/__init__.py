"""Derivations: from a model to another model or another reading of it: conservation laws, jump processes.

Second-order form is reduced, and the equations of reactions are derived, by the builder itself.
"""
