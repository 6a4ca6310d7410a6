"""Many members of one problem in compiled loops: side by side in lanes where there are any, else one by one.

What `symde.ensemble` and batches of `symde.layers` have in common.
"""
