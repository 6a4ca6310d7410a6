"""Syntax tree -> resolved definition: the language's rules about names, kinds and structure.

The stages, in order; each reports all it finds, and the errors are raised together at the end:

1. `draft.gather`                     statements by kind; names declared twice; features of later versions
2. `derivative_names.classify...`     `dNAME = e`: equation or observed quantity
   `noise_draft.take_noise`           terms of Brownian motions, apart from the drift
   `split.take_marks`                 marks of stiffness, apart from what the equations say
   `reaction_draft.add_species`       states that reactions and jumps change
   `standard.add_standard`            functions that need no definition
   `implicit_equations.unknowns_of`   what implicit equations determine, and how often it is differentiated
3. `equations.collect_states`         one equation a state, second order reduced, initial values
4. `parameters.collect_parameters`    those named, or in an anonymous text every undefined symbol
5. `checker.Checker.check`            every name means something and may be read where it is; functions,
                                      arities, numbers and conditions
6. `declared.functions_of`            and what other declarations make
   `event_builder.check_events`       what events read and set
7. `hamiltonian.derive_equations`     equations of the pairs of a Hamiltonian
   `reaction_draft.derive_species`    equations of the species of reactions
8. `implicit_equations.rows_of`       implicit equations as rows of M u' = f, one for each unknown
9. here                               constants folded, order of dependence, cycles, size
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from symde.diagnostics import Diagnostics
from symde.language.syntax import Expr, ModelBlock
from symde.model.checker import Checker, scope_of
from symde.model.declared import constants_of, externs_of, functions_of, parameters_of
from symde.model.definition import Definition, Function, State
from symde.model.delay_rules import DelayedObservables, collect_delays, initial_from_history
from symde.model.delays import Delays
from symde.model.derivative_calls import derivative_calls_as_names
from symde.model.derivative_names import classify_assignments
from symde.model.discretes import collect_discretes, collect_domains
from symde.model.draft import gather
from symde.model.equations import StateDraft, collect_states
from symde.model.event_builder import check_events, resolved
from symde.model.events import event_expressions
from symde.model.expansion import EXPANSION_LIMIT, expanded_size, expanded_sizes
from symde.model.hamiltonian import derive_equations
from symde.model.implicit import Invariant
from symde.model.implicit_equations import rows_of, unknowns_of
from symde.model.noise import coefficients
from symde.model.noise_draft import noise_of, take_noise
from symde.model.observables import collect_observables
from symde.model.parameters import collect_parameters
from symde.model.reaction_draft import add_species, derive_species, jumps_of, reactions_of
from symde.model.reactions import effects_of, map_expressions, rates_of, read_by, with_rate
from symde.model.scope import EQUATION, HISTORY, INITIAL, TIME_SPAN, describe
from symde.model.split import take_marks
from symde.model.standard import add_standard
from symde.model.walk import names, substitute

DEFAULT_NAME = "model"


def build(block: ModelBlock, parameters: Sequence[str] | None = None) -> Definition:
    """The resolved definition of one model.

    Args:
        block: its syntax tree.
        parameters: the caller's parameter names, for a text that names none itself.

    Raises:
        ModelError: with every independent mistake of the model.
        ValueError: `parameters` are given for a text that names its own.
    """
    found = Diagnostics()
    definition = _Builder(block, found, parameters).build()
    found.raise_if_any()
    return definition


class _Builder:
    """Stages 3 to 9 over one draft."""

    def __init__(self, block: ModelBlock, found: Diagnostics, parameters: Sequence[str] | None):
        block = derivative_calls_as_names(block)
        self.block = block
        self.found = found
        self.draft = gather(block, found)
        caller = frozenset(parameters or ())
        classify_assignments(self.draft, caller)
        take_noise(self.draft)
        take_marks(self.draft)
        add_species(self.draft)
        add_standard(self.draft)
        self.implicit = unknowns_of(self.draft)
        self.states = collect_states(self.draft)
        self.parameters = collect_parameters(self.draft, self.states, parameters)
        self.scope = scope_of(self.draft, self.states, self.parameters, found)
        self.checker = Checker(self.draft, self.scope, found)
        self.check, self.values = self.checker.check, self.checker.values

    def build(self) -> Definition:
        """The definition; only meaningful where nothing was found."""
        functions = functions_of(self.draft, self.checker)
        constants = constants_of(self.draft, self.checker)
        parameters = parameters_of(self.parameters, self.checker)
        self._check_equations()
        derive_equations(self.draft, self.states, functions, self.scope)
        self.reactions, self.jumps = reactions_of(self.draft), jumps_of(self.draft)
        derive_species(self.draft, self.states, self.reactions)
        mass = rows_of(self.draft, self.implicit, self.states, self.scope.derivative_reads)
        self.observed = collect_observables(self.draft, self.states, self.scope)
        delays = self._delays(functions)
        states = self._states()
        tspan = self._time_span()
        self._check_something_defined()
        definition = Definition(
            name=self.block.name.id if self.block.name is not None else DEFAULT_NAME,
            doc=self.block.doc,
            states=states,
            parameters=parameters,
            observables=self.observed.observables,
            constants=constants,
            functions=functions,
            tspan=tspan,
            externs=externs_of(self.draft),
            source=self.block.span.source if self.block.span is not None else None,
            form=self.block.form,
            mass=mass,
            invariants=tuple(Invariant(one.value, False, False, one.span) for one in self.draft.conserved),
            delays=delays,
            reactions=self.reactions,
            jumps=self.jumps,
            noise=noise_of(self.draft),
        )
        definition = dataclasses.replace(
            definition, events=resolved(self.draft.events, definition, self.found)
        )
        self._check_size(definition)
        return definition

    def _check_equations(self) -> None:
        for equation in self.draft.equations:
            self.check(equation.value, EQUATION)
        for term in self.draft.noise:
            self.check(term.coefficient, EQUATION)
        for assignment in self.draft.observables.values():
            self.check(assignment.value, EQUATION)
        check_events(
            self.draft.events,
            self.scope,
            lambda one, context, kind: self.check(one, context, (), kind),
            self.checker.known,
        )
        derivatives = self.implicit.mass_names if self.implicit is not None else ()
        for implicit in self.draft.implicit:
            for side in (implicit.left, implicit.right):
                self.check(side, EQUATION, derivatives)
        for conserved in self.draft.conserved:
            self.check(conserved.value, EQUATION)
        for rate in rates_of(self.draft.reactions):
            self.check(rate, EQUATION)
        for effect in effects_of(self.draft.reactions):
            self.check(effect, EQUATION, drawn=True)

    def _delays(self, functions: tuple[Function, ...]) -> Delays | None:
        """What is read at other times than t, observed quantities written out, and what was before t0."""
        own = {
            *self.checker.arities,
            *(f"{name}'" for name in self.states),
            *self.states,
            *self.observed.written,
        }
        simple = DelayedObservables(
            self.observed.written, self.states, lambda call: call.function not in own, self.found
        )
        self.reactions = tuple(with_rate(one, simple.expand) for one in self.reactions)
        self.jumps = tuple(map_expressions(one, simple.expand) for one in self.jumps)
        derive_species(self.draft, self.states, self.reactions)
        for name, state in self.states.items():
            if name not in self.draft.derived:
                state.derivative = simple.expand(state.derivative)
        observables = tuple(
            dataclasses.replace(one, value=simple.expand(one.value)) for one in self.observed.observables
        )
        self.observed = dataclasses.replace(self.observed, observables=observables)
        begins = initial_from_history(self.draft.histories)
        for name, state in self.states.items():
            if state.initial is None:
                state.initial = begins.get(name)
        roots = [
            *(state.derivative for state in self.states.values()),
            *(one.value for one in observables),
            *(one.body for one in functions),
            *read_by(self.reactions, self.jumps),
        ]
        return collect_delays(
            roots, self.draft.histories, self.states, self.found, lambda value: self.check(value, HISTORY)
        )

    def _states(self) -> tuple[State, ...]:
        states = []
        domains = collect_domains(self.draft, self.scope.kinds, self.values)
        for draft in self.states.values():
            initial = self._initial(draft)
            declaration = draft.declaration
            nominal = self.values.nominal(declaration.nominal) if declaration is not None else None
            states.append(
                State(
                    draft.name,
                    draft.derivative,
                    initial,
                    declaration.unit if declaration is not None else None,
                    nominal,
                    declaration.doc if declaration is not None else None,
                    draft.span,
                    draft.equation,
                    draft.split,
                    domains.get(draft.name),
                    algebraic=self.implicit is not None and draft.name in self.implicit.algebraic,
                )
            )
        return (*states, *collect_discretes(self.draft, self.parameters, self._initial, self.values))

    def _initial(self, draft: StateDraft) -> Expr | None:
        """An initial value, with observed quantities that are known before the states written out."""
        if draft.initial is None:
            return None
        self.check(draft.initial, INITIAL)
        for name in names(draft.initial):
            late = self.observed.late.get(name.id)
            if late is not None:
                what = describe(self.scope.kinds.get(late), late)
                self.found.error(
                    "E208",
                    f"an initial value cannot read `{name.id}`",
                    name.span,
                    f"depends on {what}",
                    INITIAL.remedy,
                )
        return substitute(draft.initial, self.observed.written)

    def _time_span(self) -> tuple[Expr, Expr] | None:
        span = self.draft.timespan
        if span is None:
            return None
        self.check(span.start, TIME_SPAN)
        self.check(span.end, TIME_SPAN)
        return (span.start, span.end)

    def _check_something_defined(self) -> None:
        if (
            self.states
            or self.draft.states
            or self.draft.incomplete
            or self.draft.equations
            or self.draft.reactions
        ):
            return
        self.found.error(
            "E321", "the model has no differential equation", self.block.span, "", "write one: `x' = ...`"
        )

    def _check_size(self, definition: Definition) -> None:
        sizes = expanded_sizes(definition.functions)
        roots = [state.derivative for state in definition.states]
        roots += [observable.value for observable in definition.observables]
        roots += [one for event in definition.events for one in event_expressions(event)]
        roots += read_by((), definition.jumps)
        roots += coefficients(definition.noise)
        total = expanded_size(roots, sizes)
        if total <= EXPANSION_LIMIT or not definition.functions:
            return
        largest = max(definition.functions, key=lambda one: sizes[one.name])
        self.found.error(
            "E319",
            f"with its functions written out the model has more than {EXPANSION_LIMIT:,} operations",
            largest.span,
            f"`{largest.name}` alone stands for {sizes[largest.name]:,} operations",
            "name repeated parts as observed quantities: they are computed once",
        )
