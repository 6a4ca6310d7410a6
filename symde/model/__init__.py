"""Models: from the syntax tree to resolved definitions, and their view as sympy objects."""
