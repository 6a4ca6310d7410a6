"""Benchmarks: symde beside its peers in one run on one core, compared at equal error."""
