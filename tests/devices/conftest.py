"""The devices that solves must run on: a GPU where there is one, and one that is pretended everywhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
import torch

from tests.devices import pretended

torch.set_num_threads(1)


class Device:
    """A device and what makes the host wait for it."""

    def __init__(self, name: str, mode: pretended.PretendedDevice | None) -> None:
        self.home, self._mode = torch.device(name), mode

    @contextlib.contextmanager
    def waits(self) -> Iterator[list[str]]:
        """The list that operations enter which wait for the device."""
        if self._mode is not None:
            self._mode.waits.clear()
            yield self._mode.waits
            return
        import warnings

        found: list[str] = []
        torch.cuda.set_sync_debug_mode("warn")
        try:
            with warnings.catch_warnings(record=True) as seen:
                warnings.simplefilter("always")
                yield found
            found += [str(one.message) for one in seen if "synchroniz" in str(one.message)]
        finally:
            torch.cuda.set_sync_debug_mode("default")


@pytest.fixture(params=[pretended.NAME, "cuda"])
def device(request: pytest.FixtureRequest) -> Iterator[Device]:
    """A device that is not the CPU."""
    if request.param == "cuda":
        if not torch.cuda.is_available():
            pytest.skip("needs a GPU")
        yield Device("cuda", None)
    elif not pretended.available():
        pytest.skip("this version of torch does not let Python make a device, or there is a GPU")
    else:
        with pretended.PretendedDevice() as mode:
            yield Device(pretended.NAME, mode)
