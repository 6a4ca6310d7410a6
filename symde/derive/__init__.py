"""Derivations: functions from a model to a model (second-order form is reduced by the builder itself)."""
