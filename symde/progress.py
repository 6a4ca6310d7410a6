"""A progress bar in simulated time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def bar(tspan: tuple[float, float], state: Any) -> Iterator[Callable[[], None]]:
    """A tqdm bar from t0 to t1; the function it gives brings the bar up to the solve's present time.

    Raises:
        ImportError: tqdm is not installed.
    """
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise ImportError("progress=True shows its bar with tqdm: pip install tqdm") from None
    t0, t1 = tspan
    with tqdm(total=abs(t1 - t0), unit="t", bar_format="{l_bar}{bar}| t = {n:.4g}/{total:.4g}") as shown:

        def update() -> None:
            shown.update(abs(state.t - t0) - shown.n)

        yield update
        update()


@contextmanager
def counter(total: int, what: str) -> Iterator[Callable[[int, str], None]]:
    """A tqdm bar that counts to a total; the function it gives adds to the count and shows a text.

    Raises:
        ImportError: tqdm is not installed.
    """
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise ImportError("progress=True shows its bar with tqdm: pip install tqdm") from None
    with tqdm(total=total, unit=what) as shown:

        def update(count: int, text: str) -> None:
            shown.set_postfix_str(text, refresh=False)
            shown.update(count)

        yield update
