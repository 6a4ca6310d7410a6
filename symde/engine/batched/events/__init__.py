"""Events of the batched engine: every member has its own, at its own times."""
