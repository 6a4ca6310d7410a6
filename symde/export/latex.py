"""The target `latex`: the equations, ready to stand in a document that loads amsmath."""

from __future__ import annotations

from symde.codegen.comments import one_line
from symde.export.target import PrintedTarget
from symde.model.model import Model

_ALIGNED = ("\\begin{aligned}", "\\end{aligned}")


def _source(model: Model) -> str:
    from symde import __version__

    doc = f": {model.doc}" if model.doc else ""
    heading = [f"% {one_line(f'Model {model.name}{doc}')}", f"% Written by symde {__version__} as LaTeX."]
    # `align*` breaks over pages and numbers nothing; `aligned` would need an equation around it.
    body = model.latex().strip().removeprefix(_ALIGNED[0]).removesuffix(_ALIGNED[1]).strip("\n")
    if model.definition.events:
        heading.append("% The events of the model are not among the equations.")
    return "\n".join(
        [*heading, r"% Needs \usepackage{amsmath}.", r"\begin{align*}", body, r"\end{align*}", ""]
    )


TARGET = PrintedTarget("latex", ".tex", "LaTeX: the equations as an align* block", _source)
