"""Models: from the syntax tree to resolved definitions, and their view as sympy objects.

`builder.build` makes a :class:`~symde.model.definition.Definition`, plain data that lowering reads;
:class:`~symde.model.model.Model` is its public face. sympy is imported when a sympy object is first asked for.
"""
