"""Systems of higher index made systems of index 1: constraints are differentiated until they determine what
is algebraic.

Which equations, and how often, Pantelides' algorithm finds from structure alone. What becomes of them is
fixed when the model is read and never changes during a solve: all differential states are kept, the last
derivative of every constraint determines an algebraic variable, and the constraint itself with its lower
derivatives are invariants, to which the engine projects every accepted step, so that they do not drift. Where
an algebraic variable must be differentiated on the way, the constraint that determines it stays its row, and
its derivative is one more algebraic variable: nothing that has no value at the start is integrated.

Dummy derivatives (Mattsson and Soderlind 1993) would drop as many states as there are constraints instead.
But which states can be dropped depends on where the solution is: for a pendulum in Cartesian coordinates x'
may go where y is not 0, and y' where x is not 0. States must then be exchanged during the solve, at points
that depend on the parameters, and a solve is no longer one smooth function of them with one set of
sensitivity equations. With projections nothing is exchanged, at the price of a few more states.

Sources: C. C. Pantelides, The consistent initialization of differential-algebraic systems, SIAM J. Sci. Stat.
Comput. 9 (1988) 213-231, algorithm 4.1; C. W. Gear, Differential-algebraic equation index transformations,
SIAM J. Sci. Stat. Comput. 9 (1988) 39-47; E. Eich, Convergence results for a coordinate projection method
applied to mechanical systems with algebraic constraints, SIAM J. Numer. Anal. 30 (1993) 1467-1482.
"""

from __future__ import annotations

from symde.derive.system import EquationSystem, Incidence, Row
from symde.diagnostics import Diagnostic, ModelError
from symde.language.syntax import Call, Expr, Name
from symde.model.bipartite import FREE, augment, empty_matching
from symde.model.definition import TIME, State
from symde.model.delays import delayed
from symde.model.inline import Inliner
from symde.model.syntax_derivative import (
    ONE,
    ZERO,
    Differentiator,
    Factors,
    NoDerivativeError,
    product,
    total,
)


def reduce_index(system: EquationSystem) -> None:
    """Differentiate constraints until the rows determine every algebraic variable.

    Raises:
        ModelError: a constraint has no derivative that the language can write, or no derivative of one
            determines anything, because equations of the model say the same or contradict each other.
    """
    make_semi_explicit(system)
    _Pantelides(system).run()


class _Pantelides:
    """The algorithm on a semi-explicit system: derivatives of states are known, so only constraints are rows.

    A column is an algebraic variable, and after it was differentiated its derivative.
    """

    def __init__(self, system: EquationSystem):
        self.system = system
        self.rows = [row for row in system.rows if row.algebraic and not row.settled]
        settled = {row.home for row in system.rows if row.settled}
        self.columns = [name for name in system.algebraic if name not in settled]
        self.most = len(system.states)
        self.matching = empty_matching(len(self.rows), len(self.columns))
        self._renew()
        self.graph = [self.incidence.of(row.value) for row in self.rows]

    def run(self) -> None:
        for place in range(len(self.rows)):
            while (reached := augment(self.graph, place, self.matching)) is not None:
                self._differentiate(sorted(reached))

    def _renew(self) -> None:
        """What depends on which variables there are."""
        self.incidence = Incidence(self.system, self.columns)
        self.states = Incidence(self.system, self.system.states)
        self.derivative = TotalDerivative(self.system)

    def _differentiate(self, reached: list[int]) -> None:
        """All rows that have too few columns between them, and so these columns too."""
        raised = {self.matching.column_of[place]: place for place in reached}
        raised.pop(FREE, None)
        for column, place in raised.items():
            self._raise(self.rows[place], column)
        if raised:
            self._renew()
            self.graph = [[one for one in columns if one not in raised] for columns in self.graph]
        for place in reached:
            row = self.rows[place]
            row.lower.append(row.value)
            try:
                row.value = self.derivative.along(row.value)
            except NoDerivativeError as problem:
                raise ModelError([_not_differentiable(row, problem, self.system)]) from problem
            if len(row.lower) > self.most or not self.states.of(row.value):
                raise ModelError([_dependent(row)])
            self.graph[place] = self.incidence.of(row.value)

    def _raise(self, row: Row, column: int) -> None:
        """A variable whose derivative is wanted: the row that determines it stays, for it alone."""
        name = self.columns[column]
        self.system.rows.append(Row({}, row.value, row.span, name, settled=True))
        self.system.raised[name] = self.columns[column] = name + "'"
        insert_derivative(self.system, name)


class TotalDerivative:
    """d/dt of expressions, derivatives of states written as a system's equations give them.

    Args:
        system: The equations as they are now; no row may have several derivatives.
    """

    def __init__(self, system: EquationSystem):
        self._inliner = Inliner(system.definition.functions)
        slopes: dict[str, Expr] = {TIME: ONE}
        slopes |= {name: Name(slope, span=None) for name, slope in system.raised.items()}
        for name, value in system.explicit.items():
            slopes[name] = self._inliner.inline(value)
        for row in system.rows:
            for name, factor in row.mass.items():
                slopes[name] = self._inliner.inline(product([("*", row.value), ("/", factor)], row.span))
        values = {name: self._inliner.inline(one.value) for name, one in system.observables.items()}
        self._differentiator = Differentiator(values, (), slopes)
        self._kept: list[Expr] = []

    def along(self, expression: Expr) -> Expr:
        """The total time derivative."""
        written = self._inliner.inline(expression)
        self._kept.append(written)  # the differentiator knows parts by their identity
        return self._differentiator.along(written)


def _not_differentiable(row: Row, problem: NoDerivativeError, system: EquationSystem) -> Diagnostic:
    node = problem.node
    if isinstance(node, Call) and delayed(node.function, system.definition.state_names) is not None:
        return Diagnostic(
            "E353",
            "this constraint must be differentiated in time, and it reads the past",
            node.span or row.span,
            "its derivative would be a delayed one",
            "models with delays are solved where each equation without a derivative determines a variable as "
            "it stands: write the constraint's derivative in its place",
        )
    return Diagnostic(
        "E353",
        f"this constraint must be differentiated in time, and {problem}",
        problem.node.span or row.span,
        "no derivative",
        "replace the constraint by an equation for its derivative, or write the function in others",
    )


def _dependent(row: Row) -> Diagnostic:
    return Diagnostic(
        "E353",
        "this equation follows from the others, or contradicts them",
        row.span,
        "its derivatives determine nothing",
        "leave it out, and give what it was to determine an equation of its own",
    )


def make_semi_explicit(system: EquationSystem) -> None:
    """Derivatives in rows as algebraic variables: C*(x' - y') = f is x' = v, y' = w, 0 = f - C*(v - w).

    A row that has a single derivative, which stands nowhere else, is kept: it gives that derivative outright.
    """
    alone = _alone(system)
    for name in {name: None for row in system.rows if id(row) not in alone for name in row.mass}:
        system.explicit[name] = Name(name + "'", span=None)
        insert_derivative(system, name)
    for row in system.rows:
        if row.mass and id(row) not in alone:
            terms: Factors = [("+", row.value)]
            for name, factor in row.mass.items():
                terms.append(
                    ("-", product([("*", factor), ("*", Name(name + "'", span=row.span))], row.span))
                )
            row.mass, row.value = {}, total(terms, row.span)


def _alone(system: EquationSystem) -> set[int]:
    """Rows with a single derivative that no other row has."""
    count: dict[str, int] = {}
    for row in system.rows:
        for name in row.mass:
            count[name] = count.get(name, 0) + 1
    return {id(row) for row in system.rows if len(row.mass) == 1 and count[next(iter(row.mass))] == 1}


def insert_derivative(system: EquationSystem, name: str) -> None:
    """The derivative of a state as an algebraic variable, in the place behind it; its guess is 0."""
    states: dict[str, State] = {}
    for key, state in system.states.items():
        states[key] = state
        if key == name:
            slope = name + "'"
            states[slope] = State(slope, ZERO, ZERO, span=state.span, equation=state.equation, algebraic=True)
    system.states = states
