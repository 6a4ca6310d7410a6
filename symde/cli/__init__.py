"""The shell command `symde`.

Exit codes: 0 fine, 1 the model or the solve failed, 2 the command was not understood, 130 interrupted.
"""

from symde.cli.command import main

__all__ = ["main"]
