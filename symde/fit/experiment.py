"""`symde.Experiment`: data with the conditions under which they were taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symde.diagnostics import suggest
from symde.fit.data import Table, column_of, table_of
from symde.fit.matched import Matched
from symde.fit.noise import names_of, per_value, texts_in
from symde.problem.problem import Problem, remake
from symde.problem.values import by_name, states_by_name, unknown_name
from symde.sensitivity.observation import observation
from symde.sensitivity.start import start_of

_FROM_LOSS = ("names", "sigma", "weights", "log", "time")


@dataclass(frozen=True, eq=False)
class Experiment:
    """Data with the conditions under which they were taken.

    Args:
        data: (times, values) with values of shape (n_rows,) or (n_rows, k); or a pandas frame, or a mapping
            of columns. NaN is a missing value. Times may be in any order, and repeated.
        p: Parameters of this experiment by name. They are not estimated from it.
        u0: Initial values of this experiment by name.
        tspan: Time span of this experiment, which starts where its initial values hold. Default: the
            problem's.
        names: What the columns are of, in their order: states, observables or parameters. Default: the
            states. Of a frame: the columns to take (default: all), or a mapping of columns to quantities.
        sigma: Standard deviation of the noise: a number, one a column, one a value, a mapping of names to
            these; or the name of a column of the data, or else of a parameter or observable, that gives it.
            Default: unknown, the same for all.
        weights: How much values count, in the same forms, or a column; False or 0 leaves a value out.
        log: Whether logarithms are compared: True, or the names of those columns. `sigma` is then that of the
            logarithm, about the relative error.
        time: Column of the times, of a frame. Default: "t" or "time" where there is one, else the index.
        name: For messages and pictures.
    """

    data: Any
    p: Mapping[str, float] | None = None
    u0: Mapping[str, float] | None = None
    tspan: tuple[float, float] | None = None
    names: Any = None
    sigma: Any = None
    weights: Any = None
    log: Any = None
    time: Any = None
    name: str = ""

    def under(self, **defaults: Any) -> Experiment:
        """The same with what it leaves open taken from elsewhere."""
        return replace(
            self,
            **{key: defaults[key] for key in _FROM_LOSS if getattr(self, key) is None and key in defaults},
        )

    @property
    def table(self) -> Table:
        """The data as one table."""
        named = (*texts_in(self.sigma), *texts_in(self.weights))
        return table_of(self.data, self.names, self.time, named)

    def _numbers(self, given: Any, table: Table) -> Any:
        """Noise or weights with the columns of the data in place of their names."""
        columns = {name: column_of(self.data, name) for name in texts_in(given)}
        columns = {name: values for name, values in columns.items() if values is not None}
        if isinstance(given, str):
            values = columns.get(given)
            return given if values is None else np.repeat(values[:, None], table.values.shape[1], axis=1)
        if not columns:
            return given
        return {key: columns.get(one, one) if isinstance(one, str) else one for key, one in given.items()}

    def matched(self, problem: Problem) -> Matched:
        """The data with what a model says of them.

        Raises:
            ValueError, TypeError: the model has no such quantity, data lie outside the span, noise is not
                positive, or a value has no logarithm.
        """
        table, system = self.table, problem.system
        quantities = _quantities(table, system)
        fixed_p = by_name(self.p, system.parameter_names, "parameter")
        fixed_u0 = states_by_name(self.u0, system)
        noise, counted = self._numbers(self.sigma, table), self._numbers(self.weights, table)
        for name in texts_in(counted):
            raise ValueError(f"weights names {name!r}, and the data have no such column")
        named = names_of(noise, table, quantities)
        for name in {name for name in named if name is not None}:
            known = (*system.parameter_names, *system.observable_names, *system.state_names)
            if name not in known:
                raise unknown_name(name, "column of the data, parameter or observable for sigma", known)
        sigma = per_value(1.0 if noise is None else noise, table, quantities, "sigma")
        weights = per_value(1.0 if counted is None else counted, table, quantities, "weights")
        logs = _logs(self.log, quantities)
        _require(table, quantities, sigma, weights, logs, named)
        used = np.isfinite(table.values) & (weights > 0.0)
        if not used.any():
            raise ValueError("the data hold no value that counts: all are missing or have weight 0")
        rows, columns = np.nonzero(used)
        span = self._span(problem, table.t[rows], fixed_p)
        ascending = span[1] > span[0] if span is not None else problem.tspan[1] > problem.tspan[0]
        times, places = np.unique(table.t[rows] if ascending else -table.t[rows], return_inverse=True)
        noises = tuple(dict.fromkeys(name for name in named if name is not None))
        noise_columns = np.array([-1 if one is None else noises.index(one) for one in named])
        values = table.values[used]
        return Matched(
            experiment=self,
            table=table,
            quantities=quantities,
            noises=noises,
            fixed_p=fixed_p,
            fixed_u0=fixed_u0,
            tspan=span,
            times=times if ascending else -times,
            rows=rows,
            columns=columns,
            places=places,
            values=np.where(logs[columns], np.log(np.where(logs[columns], values, 1.0)), values),
            logs=logs[columns],
            sigma=np.where(noise_columns[columns] >= 0, np.nan, sigma[used]),
            noise_of=noise_columns[columns],
            weights=weights[used],
            observe=observation(system, (*quantities, *noises)),
        )

    def _span(
        self, problem: Problem, times: np.ndarray, fixed_p: Mapping[str, float]
    ) -> tuple[float, float] | None:
        """The span to integrate, which ends at the last datum; None: the problem's, whose ends follow its
        parameters."""
        own = problem if self.tspan is None else remake(problem, tspan=self.tspan)
        t0, t1 = own.tspan
        first, last = float(times.min()), float(times.max())
        low, high = min(t0, t1), max(t0, t1)
        if first < low or last > high:
            outside = first if first < low else last
            raise ValueError(
                f"the data go from t = {first:g} to {last:g}, and t = {outside:g} lies outside the span "
                f"{t0:g} to {t1:g}: are they in the model's unit of time? If so, give a span that holds them "
                "and starts where the initial values hold: symde.remake(problem, tspan=(start, end)), or "
                "symde.Experiment(..., tspan=(start, end))"
            )
        end = last if t1 > t0 else first
        follows = (
            start_of(remake(own, p=dict(fixed_p)) if fixed_p else own).span if self.tspan is None else None
        )
        if follows is not None and follows.any():
            if follows[1].any() and end == t1:
                raise ValueError(
                    f"the last value lies at the end of the span, t = {t1:g}, which moves with the "
                    "parameters: give a span that holds the data whatever they are, tspan=(start, end)"
                )
            return None
        return (t0, t1) if end == t0 else (t0, end)


def _quantities(table: Table, system: Any) -> tuple[str, ...]:
    names, count = table.quantities, table.values.shape[1]
    if names is None:
        if count != len(system.state_names):
            raise ValueError(
                f"the data have {count} column(s), and the model has {len(system.state_names)} states "
                f"({', '.join(system.state_names[:12])}): say what the columns are, names=[...]"
            )
        return tuple(system.state_names)
    known = (*system.state_names, *system.observable_names, *system.parameter_names)
    for place, name in enumerate(names):
        if name not in known:
            if table.columns is not None and table.columns[place] == name:
                listed = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
                nearest = suggest(name, known) or "..."
                raise ValueError(
                    f"column {name!r} of the data is no quantity of the model ({listed}): say what it is of, "
                    f"names={{{name!r}: {nearest!r}}}, or which columns to take, names=[...]"
                )
            raise unknown_name(name, "column: no state or observable", known)
    return names


def _logs(log: Any, quantities: tuple[str, ...]) -> np.ndarray:
    if log is None or isinstance(log, bool):
        return np.full(len(quantities), bool(log))
    wanted = (log,) if isinstance(log, str) else tuple(str(name) for name in log)
    for name in wanted:
        if name not in quantities:
            raise unknown_name(name, "column in log", quantities)
    return np.array([name in wanted for name in quantities])


def _require(
    table: Table,
    quantities: tuple[str, ...],
    sigma: np.ndarray,
    weights: np.ndarray,
    logs: np.ndarray,
    named: tuple[str | None, ...],
) -> None:
    """Noise is positive, weights are not negative, what is compared by logarithms is positive."""

    def refuse(bad: np.ndarray, sentence: str) -> None:
        if bad.any():
            row, column = np.argwhere(bad)[0]
            place = f"{quantities[column]} at t = {table.t[row]:g}"
            raise ValueError(sentence.format(place=place, value=table.values[row, column]))

    present = np.isfinite(table.values)
    numbers = np.array([name is None for name in named])
    refuse(present & ~(weights >= 0.0), "the weight of {place} is not a number from 0 on")
    counts = present & (weights > 0.0)
    refuse(
        counts & numbers & ~((sigma > 0.0) & np.isfinite(sigma)),
        "sigma of {place} is not positive and finite",
    )
    refuse(
        counts & logs & ~(table.values > 0.0),
        "{place} is {value:g} and has no logarithm: leave it out with weights, or its column out of log",
    )
