"""From text, files and decorated functions to models."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from os import PathLike, fspath
from typing import overload

from symde.diagnostics import suggest
from symde.language import parse
from symde.language.syntax import ModelBlock
from symde.model.builder import build
from symde.model.files import read_text, reader_of
from symde.model.model import Model


@overload
def ode_def(
    source: str | Callable[..., object],
    /,
    *,
    parameters: Sequence[str] | None = None,
    name: str | None = None,
) -> Model: ...


@overload
def ode_def(
    source: None = None, /, *, parameters: Sequence[str] | None = None, name: str | None = None
) -> Callable[[Callable[..., object]], Model]: ...


def ode_def(
    source: str | Callable[..., object] | None = None,
    /,
    *,
    parameters: Sequence[str] | None = None,
    name: str | None = None,
) -> Model | Callable[[Callable[..., object]], Model]:
    """The model that a text or a function describes; also a decorator, with or without arguments.

    Args:
        source: model text in any form of the language, or a Python function whose source is read (positional
            arguments are states with their initial values, keyword-only arguments parameters).
        parameters: names of the parameters in order, for a text that names none itself.
        name: which model of a text with several.

    Raises:
        ModelError: every independent mistake of the text, with its position.
        ValueError: the text holds several models and `name` does not choose one, or names its parameters.
            Or the text is the name of a file.
        TypeError: `source` is neither text nor function.
    """
    if source is None:
        return functools.partial(ode_def, parameters=parameters, name=name)
    if isinstance(source, str):
        _refuse_path(source)
        return _model(parse(source), parameters, name, "the text")
    if callable(source):
        from symde.language.function import parse_function  # reads Python, which most models are not

        return _model((parse_function(source),), parameters, name, "the function")
    hint = ": symde.load(path) reads a file" if isinstance(source, PathLike) else ""
    raise TypeError(f"a model is a text or a function, not {type(source).__name__}{hint}")


def _refuse_path(text: str) -> None:
    if text.rstrip().endswith(".symde") and "=" not in text and "\n" not in text.strip():
        raise ValueError(f"{text!r} is the name of a file and no model: symde.load({text!r}) reads it")


def load(
    path: str | PathLike[str], name: str | None = None, *, parameters: Sequence[str] | None = None
) -> Model:
    """The model in a file (UTF-8); `name` chooses one where the file holds several.

    A file `*.net` is a network of BioNetGen's (:mod:`symde.io.bionetgen`), every other a model text.

    Raises:
        OSError: the file cannot be read.
        ModelError: every independent mistake of the text, with its position in the file.
        ValueError: the file is no UTF-8 text, or holds several models and `name` does not choose one.
    """
    file = fspath(path)
    reader = reader_of(file)
    if reader is not None:
        if name is not None or parameters is not None:
            raise ValueError(
                f"{file} holds one model that names its parameters: leave out name= and parameters="
            )
        return reader(file)
    return _model(parse(read_text(file), filename=file), parameters, name, file)


def _model(
    blocks: Sequence[ModelBlock], parameters: Sequence[str] | None, name: str | None, where: str
) -> Model:
    if isinstance(parameters, str):
        raise TypeError(f"parameters= takes a list of names, and {parameters!r} is a single text")
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name= takes the name of a model, not {name!r}")
    if parameters is not None:
        try:
            parameters = list(parameters)
        except TypeError:
            raise TypeError(f"parameters= takes a list of names, not {parameters!r}") from None
        for one in parameters:
            if not isinstance(one, str):
                raise TypeError(f"parameters= takes a list of names, and {one!r} is a {type(one).__name__}")
    return Model(build(_choose(blocks, name, where), parameters))


def _choose(blocks: Sequence[ModelBlock], name: str | None, where: str) -> ModelBlock:
    names = [block.name.id if block.name is not None else None for block in blocks]
    named = [one for one in names if one is not None]
    if name is None:
        if len(blocks) == 1:
            return blocks[0]
        listed = ", ".join(named) or "no name"
        raise ValueError(f"{where} holds {len(blocks)} models ({listed}): choose one with name=")
    chosen = [block for block, one in zip(blocks, names, strict=True) if one == name]
    if len(chosen) == 1:
        return chosen[0]
    if not chosen:
        near = suggest(name, named)
        hint = (
            f"; did you mean {near!r}?"
            if near is not None
            else f" (it holds {', '.join(named) or 'none with a name'})"
        )
        raise ValueError(f"{where} holds no model named {name!r}{hint}")
    raise ValueError(f"{where} holds {len(chosen)} models named {name!r}")
