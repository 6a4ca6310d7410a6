"""How much work each method does on known problems, kept in work.json.

python -m tests.snapshots.update rewrites the file where a change of the work is meant.
"""
