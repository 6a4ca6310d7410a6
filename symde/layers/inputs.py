"""What a layer is given, as tensors of the shapes that the engines take.

Every mistake is told with what was expected and found.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symde.layers.bridge.start import Start
from symde.problem import options
from symde.problem.arrays import Array, arrays_of, elements, require_arrays
from symde.problem.values import real, reals, unknown_name

FLOATS = (torch.float64, torch.float32)


def checked(x: Tensor, what: str) -> Tensor:
    """A tensor that the engines can read.

    Raises:
        TypeError: its type or layout is another, or it has no values.
    """
    if x.dtype not in FLOATS:
        if x.is_floating_point() and torch.is_autocast_enabled(x.device.type):
            return checked(x.float(), what)  # as torch's own operations that are not done in half precision
        if x.is_complex():
            raise TypeError(f"{what} is complex: symde solves real equations; split it into two states")
        remedy = ".float()" if x.is_floating_point() else ".double()"
        raise TypeError(f"{what} must be float64 or float32, found {x.dtype}: write {remedy}")
    if x.device.type == "meta":
        raise TypeError(f"{what} is on the device meta, and has no values")
    if x.layout is not torch.strided:
        raise TypeError(f"{what} must be a dense tensor, found {x.layout}: write .to_dense()")
    return x


def tensors(what: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    """All tensors of an argument, with what each is of."""
    if isinstance(value, Tensor):
        yield what, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from tensors(f"{what}[{str(key)!r}]", one)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from tensors(what, one)


def elsewhere(value: Any) -> bool:
    """Whether an argument is a tensor that is not on the CPU, or holds one."""
    if isinstance(value, Tensor):
        return value.device.type != "cpu"
    return any(one.device.type != "cpu" for _, one in tensors("", value))


def require_cpu(**given: Any) -> None:
    """Refuse tensors that the compiled engine cannot read.

    Raises:
        TypeError: one is on another device.
    """
    for name, value in given.items():
        for what, one in tensors(name, value):
            if one.device.type != "cpu":
                raise TypeError(
                    f"{what} is on {one.device}, and the compiled engine runs on the CPU: write .cpu(), or "
                    "leave backend out"
                )


def home_of(weights: Iterable[Tensor], **given: Any) -> torch.device:
    """The device that arguments and weights of modules are on; the CPU where there are none.

    Raises:
        ValueError: they are on several.
    """
    found = [pair for name, value in given.items() for pair in tensors(name, value)]
    found += [("a bound module", one) for one in weights]
    if not found:
        return torch.device("cpu")
    first, home = found[0][0], found[0][1].device
    for what, one in found:
        if one.device != home:
            raise ValueError(f"{first} is on {home} and {what} on {one.device}: write .to({str(home)!r})")
    return home


@dataclass(frozen=True, slots=True)
class Block:
    """Values of parameters that stand next to each other.

    Attributes:
        places: Where they stand.
        values: Shape (count,) or (batch, count).
        free: Whether they are differentiated by: given as a tensor.
    """

    places: range
    values: Tensor
    free: bool


Given = Sequence[Block]
"""Some parameters."""


def parameters(p: Any, names: Sequence[str]) -> Tensor | Given | None:
    """All parameters, or some in blocks; None where none are given.

    Raises:
        TypeError: neither tensor nor by name. ValueError: another shape, or an unknown name.
    """
    if isinstance(p, Tensor):
        return _vector(p, len(names), "p", "parameters", names)
    if p is None:
        return None
    if not isinstance(p, Mapping):
        raise TypeError(
            f"p must be a tensor of all parameters ({_some(names)}) or a dictionary by name, found "
            f"{type(p).__name__}"
        )
    arrays = arrays_of(tuple(names))
    blocks = [block for key, value in p.items() for block in _blocks(str(key), value, names, arrays)]
    seen: set[int] = set()
    for block in blocks:
        if twice := seen.intersection(block.places):
            raise ValueError(f"parameter `{names[min(twice)]}` is given twice")
        seen.update(block.places)
    return blocks


def _blocks(name: str, value: Any, names: Sequence[str], arrays: Mapping[str, Array]) -> Iterator[Block]:
    """What is given for a parameter, for an array of them, or for all arrays under a name."""
    what = f"parameter `{name}`"
    if name in names:
        place = names.index(name)
        if not isinstance(value, Tensor):
            number = torch.from_numpy(np.array([real(value, what)]))
            yield Block(range(place, place + 1), number, False)
            return
        if value.ndim > 1:
            raise ValueError(f"{what} must be of shape () or (batch,), found {tuple(value.shape)}")
        yield Block(range(place, place + 1), checked(value, what)[..., None], True)
        return
    if name not in arrays:
        known = [*names[:12], *arrays, *names[12:]] if arrays else names
        raise unknown_name(name, "parameter", known)
    array = arrays[name]
    places = range(array.start, array.stop)
    if isinstance(value, torch.nn.Module):
        raise TypeError(f"`{name}` takes weights: write dict(module.named_parameters())")
    if isinstance(value, Tensor):
        yield Block(places, _flat(checked(value, f"`{name}`"), name, array), True)
    elif isinstance(value, Mapping) and array.shape is None:
        require_arrays(value, name, arrays)
        for key, one in value.items():
            yield from _blocks(f"{name}.{key}", one, names, arrays)
    else:
        numbers = [*elements(value, name, names, arrays).values()]
        yield Block(places, torch.from_numpy(np.array(numbers)), False)


def _flat(x: Tensor, name: str, array: Array) -> Tensor:
    """The elements of an array one after another, with the axis of a batch before where there is one."""
    shape = array.shape or (array.size,)
    if x.shape in (shape, (array.size,)):
        return x.reshape(-1)
    if x.ndim > 1 and x.shape[1:] in (shape, (array.size,)):
        return x.reshape(len(x), array.size)
    batches = " or ".join(
        f"{one} or (batch, {', '.join(map(str, one))})" for one in dict.fromkeys((shape, (array.size,)))
    )
    raise ValueError(f"`{name}` must be of shape {batches}, found {tuple(x.shape)}")


def initial_state(u0: Any, names: Sequence[str]) -> Tensor | None:
    """The initial state that is given, if any.

    Raises:
        TypeError: no tensor. ValueError: another shape.
    """
    if u0 is None:
        return None
    if not isinstance(u0, Tensor):
        raise TypeError(
            f"u0 must be a tensor of all states ({_some(names)}), found {type(u0).__name__}: for fixed "
            "numbers give them to the problem"
        )
    return _vector(u0, len(names), "u0", "states", names)


def _vector(x: Tensor, count: int, what: str, kind: str, names: Sequence[str]) -> Tensor:
    x = checked(x, what)
    if x.ndim not in (1, 2) or x.shape[-1] != count:
        raise ValueError(
            f"{what} must be of shape ({count},) or (batch, {count}), one for each of the {kind} "
            f"{_some(names)}; found {tuple(x.shape)}"
        )
    return x


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")


def result_type(p: Tensor | Given | None, u0: Tensor | None) -> torch.dtype | None:
    """The type of what comes out: that of parameters and initial state, the wider of two; None where neither
    is given."""
    given = [p] if p is None or isinstance(p, Tensor) else [one.values for one in p if one.free]
    types = {one.dtype for one in (*given, u0) if one is not None}
    return None if not types else torch.float32 if types == {torch.float32} else torch.float64


def free_parameters(given: Given, start: Start) -> tuple[int, ...]:
    """Those that derivatives are taken by: the ones that are tensors, and what follows them."""
    tensors = [j for one in given if one.free for j in one.places]
    return tuple(sorted({*tensors, *start.followers({j for one in given for j in one.places})}))


def all_parameters(given: Given, start: Start) -> Tensor:
    """All parameters from some, float64, on the CPU."""
    return start.all_parameters([(one.places, one.values.cpu().double()) for one in given])


def time_span(given: Any, start: Start, p: Tensor) -> Tensor:
    """The time span, shape (2,) or (batch, 2).

    Raises:
        TypeError, ValueError: it is not two times.
    """
    if given is None:
        return start.span if start.constant else start.time_span(p.cpu().double())
    return given_span(given)


def given_span(given: Any) -> Tensor:
    """The time span that a call gives, shape (2,) or (batch, 2).

    Raises:
        TypeError, ValueError: it is not two times.
    """
    if isinstance(given, Tensor):
        if given.shape != (2,):
            raise ValueError(f"tspan as a tensor must be of shape (2,), found {tuple(given.shape)}")
        return checked(given, "tspan").cpu().double()
    try:
        t0, t1 = given
    except (TypeError, ValueError):
        raise ValueError(f"tspan must be two times (t0, t1), found {given!r}") from None
    if isinstance(t0, float | int) and isinstance(t1, float | int):
        return torch.tensor((real(t0, "tspan[0]"), real(t1, "tspan[1]")), dtype=torch.float64, device="cpu")
    ends = torch.broadcast_tensors(_time(t0, "tspan[0]"), _time(t1, "tspan[1]"))
    return torch.stack(ends, -1)


def _time(t: Any, what: str) -> Tensor:
    if not isinstance(t, Tensor):
        return torch.from_numpy(np.array(real(t, what)))
    if t.ndim > 1:
        raise ValueError(f"{what} must be of shape () or (batch,), found {tuple(t.shape)}")
    return checked(t, what).cpu().double()


def save_times(saveat: Any, span: Tensor) -> Tensor:
    """The times to save, shape (n_times,) or (batch, n_times). A spacing moves with the span.

    Raises:
        TypeError, ValueError: it is neither a spacing nor times.
    """
    if saveat is None:
        return span[..., 1:]
    if isinstance(saveat, Tensor) and saveat.ndim:
        if saveat.ndim > 2 or not saveat.shape[-1]:
            raise ValueError(
                "saveat as a tensor must be of shape (n_times,) or (batch, n_times) with one time at least, "
                f"found {tuple(saveat.shape)}"
            )
        return checked(saveat, "saveat").cpu().double()
    if isinstance(saveat, Tensor):
        if saveat.requires_grad:
            raise ValueError("saveat as a spacing is a plain number: give the times themselves as a tensor")
        saveat = saveat.item()
    times = saveat if isinstance(saveat, float) else reals(saveat, "saveat")
    if np.ndim(times):
        return torch.from_numpy(np.array(times, dtype=float))
    return _grid(real(saveat, "saveat"), span)


def _grid(step: float, span: Tensor) -> Tensor:
    if span.ndim == 1 and not span.requires_grad:
        return _kept_grid(step, *span.tolist())
    spans = span.detach().reshape(-1, 2).tolist()
    rows = [options.save_times(step, t0, t1) for t0, t1 in spans]
    counts = {len(row) for row in rows}  # type: ignore[arg-type]
    if len(counts) > 1:
        raise ValueError(
            f"saveat = {step:g} gives between {min(counts)} and {max(counts)} times for the time spans of "
            "this batch: give the times themselves as a tensor of shape (batch, n_times)"
        )
    times = torch.from_numpy(np.array(rows)).reshape(*span.shape[:-1], -1)
    if not span.requires_grad:
        return times
    from_start = span[..., :1] + (times - span[..., :1].detach())[..., :-1]
    return torch.cat([from_start, span[..., 1:]], -1)


@functools.lru_cache(16)
def _kept_grid(step: float, t0: float, t1: float) -> Tensor:
    return torch.from_numpy(np.array(options.save_times(step, t0, t1)))


def require_default(**given: tuple[Any, Any]) -> None:
    """Refuse options of the compiled engine where it does not solve; each with its default.

    Raises:
        ValueError: one is not its default.
    """
    for name, (value, default) in given.items():
        if value != default:
            raise ValueError(f"{name} belongs to backend='cpu': leave it out with backend='torch'")


def batch_size(**given: Tensor | None) -> int | None:
    """The number of members; None where nothing has an axis of a batch.

    Raises:
        ValueError: the batches differ in size.
    """
    found = {name: one for name, one in given.items() if one is not None and one.ndim > 1}
    sizes = {len(one) for one in found.values()}
    if len(sizes) > 1:
        shapes = ", ".join(f"{name} {tuple(one.shape)}" for name, one in found.items())
        raise ValueError(f"batches of different sizes: {shapes}")
    return sizes.pop() if sizes else None


def as_batch(u0: Tensor, p: Tensor, span: Tensor, times: Tensor) -> tuple[Tensor, ...]:
    """The tensors, all with an axis of the batch if any has one.

    Raises:
        ValueError: their batches differ in size.
    """
    tensors = u0, p, span, times
    if u0.ndim == p.ndim == span.ndim == times.ndim == 1:
        return tensors
    size = batch_size(u0=u0, p=p, tspan=span, saveat=times)
    assert size is not None
    return tuple(one if one.ndim > 1 else one.expand(size, -1) for one in tensors)
