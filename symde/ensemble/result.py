"""What an ensemble gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from symde.engine.cpu.layout import COUNTERS
from symde.ensemble.failure import Failure
from symde.ensemble.member import member_problem, member_solution
from symde.ensemble.reductions import Moments, Quantiles
from symde.problem.problem import Problem
from symde.problem.solution import Solution
from symde.problem.stats import Stats
from symde.problem.system import System
from symde.problem.values import reals, unknown_name

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What a reduction has left of the members.

    Attributes:
        names: States and observed quantities, the last axis of what is kept.
        moments, quantiles: Of these at the saved times, None where they were not asked for.
        result: What the user's function gave last, None without one.
    """

    names: tuple[str, ...]
    moments: Moments | None
    quantiles: Quantiles | None
    result: Any


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Ensemble:
    """Solutions of many members of one problem.

    Attributes:
        problem: Whose members they are.
        t: Saved times, shape (n_times,).
        u: Saved states, shape (n, n_times, n_states), NaN where a member did not get so far; None where they
            were reduced.
        p: Parameters, shape (n, m).
        u0: Initial states, shape (n, n_states).
        retcodes: How each member's solve ended, shape (n,), of `Retcode`.
        failures: The members that did not reach their end. Means, variances, quantiles and pictures leave
            them out.
        counters: Each member's counts of work, shape (n, 12), in the order of the fields of `Stats`.
        seconds: Wall time of all solves.
        seed: What parameters and initial states were drawn with; None where nothing was.
        method: The methods used, the one each solve began with first.
        kept: What a reduction has left, None where all paths were kept.
        happened: The events of each member, shape (n,), sequences of event records or None; None where the
            paths were reduced.
    """

    problem: Problem
    t: np.ndarray
    u: np.ndarray | None
    p: np.ndarray
    u0: np.ndarray
    retcodes: np.ndarray
    failures: tuple[Failure, ...]
    counters: np.ndarray
    seconds: float
    seed: int | None
    method: tuple[Any, ...]
    kept: Kept | None = None
    happened: np.ndarray | None = None
    _observed: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.p)

    def __repr__(self) -> str:
        failed = f", {len(self.failures)} failed" if self.failures else ""
        return (
            f"<Ensemble of {len(self)} members{failed}: {len(self.t)} points, "
            f"t = {self.t[0]:g}..{self.t[-1]:g}, {', '.join(self.names[:6])}"
            f"{', ...' if len(self.names) > 6 else ''}{'' if self.u is not None else ', reduced'}; "
            f"{self.stats.accepted} steps>"
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the states, in the order of the last axis of `u`."""
        return self.problem.system.state_names

    @property
    def success(self) -> bool:
        """Whether every member reached its end."""
        return not self.failures

    @property
    def succeeded(self) -> np.ndarray:
        """Whether each member reached its end, shape (n,)."""
        good = np.ones(len(self), dtype=bool)
        good[[failure.index for failure in self.failures]] = False
        return good

    @property
    def stats(self) -> Stats:
        """The work of all members together, and the wall time."""
        total = self.counters.sum(axis=0).tolist()
        return Stats(**dict(zip(COUNTERS, total, strict=True)), seconds=self.seconds)

    @property
    def result(self) -> Any:
        """What the function given as `reduce` has made of all members; None without one."""
        return None if self.kept is None else self.kept.result

    def member(self, index: int) -> Solution:
        """The solution of one member, its problem and its events with it; without the continuous solution.

        Raises:
            IndexError: there is no such member. ValueError: the paths were reduced.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"there is no member {index}: the ensemble has {len(self)}")
        index = range(len(self))[index]
        message = next((one.message for one in self.failures if one.index == index), "")
        return member_solution(
            member_problem(self.problem, self.u0[index], self.p[index]),
            self.t,
            self._paths()[index],
            self.retcodes[index],
            self.counters[index],
            self.method,
            message,
            None if self.happened is None else self.happened[index],
        )

    def __getitem__(self, name: Any) -> np.ndarray:
        """A state or observed quantity of all members, shape (n, n_times); a parameter, shape (n,); `t`.

        Raises:
            ValueError: there is no such quantity, or the paths were reduced.
        """
        system, name = self.problem.system, str(name)
        if name in system.state_names:
            return self._paths()[:, :, system.state_names.index(name)]
        _refuse_past(system, name)
        if name in system.observable_names:
            return self._observables()[:, :, system.observable_names.index(name)]
        if name in system.parameter_names:
            return self.p[:, system.parameter_names.index(name)]
        if name == "t":
            return self.t
        known = (*system.state_names, *system.observable_names, *system.parameter_names)
        raise unknown_name(name, "quantity", known)

    def _paths(self) -> np.ndarray:
        if self.u is None:
            raise ValueError("the paths were reduced and not kept: leave out reduce=... to keep them")
        return self.u

    def _observables(self) -> np.ndarray:
        if "all" not in self._observed:
            self._observed["all"] = observables(self.problem, self.t, self._paths(), self.p)
        return self._observed["all"]

    # -- statistics over the members that reached their end
    # ------------------------------------------------------------------------------------------------

    def mean(self, name: Any = None) -> np.ndarray:
        """The mean over the members, shape (n_times,); without a name of all states, (n_times, n_states)."""
        if self.kept is not None:
            return self._kept_columns(self._moments("mean").mean, name)
        return self._good(name).mean(axis=0)

    def var(self, name: Any = None, ddof: int = 0) -> np.ndarray:
        """The variance, shapes as of `mean`; the sum of squares is divided by the number of members less
        `ddof`."""
        if self.kept is not None:
            return self._kept_columns(self._moments("var").variance(ddof), name)
        return self._good(name).var(axis=0, ddof=ddof)

    def quantile(self, q: Any, name: Any = None) -> np.ndarray:
        """Quantiles, shapes as of `mean`; of several q with one more axis in front.

        Args:
            q: A number between 0 and 1, or several.
            name: A quantity. Default: all states.

        Raises:
            ValueError: q lies outside, or the paths were reduced to something else.
        """
        levels = reals(q, "q")
        if levels.ndim > 1 or not ((levels >= 0) & (levels <= 1)).all():
            raise ValueError(f"q must be numbers between 0 and 1, found {q!r}")
        if self.kept is None:
            return np.quantile(self._good(name), levels, axis=0)
        if self.kept.quantiles is None:
            raise ValueError("quantiles were not kept: solve with reduce='quantiles', or without reduce")
        self._refuse_none()
        found = self._kept_columns(self.kept.quantiles.at(np.atleast_1d(levels)), name)
        return found[0] if levels.ndim == 0 else found

    def _moments(self, what: str) -> Moments:
        assert self.kept is not None
        if self.kept.moments is None:
            raise ValueError(f"the {what} was not kept: solve with reduce={what!r}, or without reduce")
        self._refuse_none()
        return self.kept.moments

    def _kept_columns(self, values: np.ndarray, name: Any) -> np.ndarray:
        assert self.kept is not None
        if name is None:
            return values[..., : len(self.names)]
        _refuse_past(self.problem.system, str(name))
        if str(name) not in self.kept.names:
            raise unknown_name(str(name), "quantity", self.kept.names)
        return values[..., self.kept.names.index(str(name))]

    def _good(self, name: Any) -> np.ndarray:
        """The paths of the members that reached their end, of one quantity or of all states."""
        paths = self._paths() if name is None else self[name]
        good = paths[self.succeeded] if self.failures else paths
        self._refuse_none()
        return good

    def _refuse_none(self) -> None:
        """Refuse statistics where no member is left for them."""
        if len(self.failures) == len(self):
            raise ValueError(f"no member reached its end: {self.failures[0].message}")

    # -- other forms
    # ------------------------------------------------------------------------------------------------

    def to_xarray(self) -> xarray.Dataset:
        """The members as an xarray data set over `member` and `time` (`symde.ensemble.frames.to_xarray`)."""
        from symde.ensemble.frames import to_xarray

        return to_xarray(self)

    def plot(self, vars: str | Sequence[Any] | None = None, **options: Any) -> Axes:
        """Draw bands between quantiles (`symde.ensemble.plot.plot`)."""
        from symde.ensemble.plot import plot

        return plot(self, vars, **options)


def _refuse_past(system: System, name: str) -> None:
    """Refuse an observed quantity that reads delayed values, for which the continuous solution is needed.

    Raises:
        ValueError: the name is of such.
    """
    if name in system.past_observables:
        raise ValueError(
            f"`{name}` reads delayed values, and ensembles keep no continuous solutions: solve the members "
            "of which it is wanted by themselves, symde.solve(ensemble.member(i).problem, dense=True)"
        )


def observables(problem: Problem, t: np.ndarray, u: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Observed quantities of members, shape (n, n_times, n_observables)."""
    n, n_times, n_states = u.shape
    # members lie one after another, as one long solution whose parameters change
    flat = problem.system.observe(np.tile(t, n), u.reshape(-1, n_states), np.repeat(p.T, n_times, axis=1))
    return flat.reshape(n, n_times, -1) if flat.size else np.empty((n, n_times, 0))
