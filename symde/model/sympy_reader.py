"""sympy expressions -> a definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeGuard

import sympy
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import BooleanFalse, BooleanTrue

from symde.diagnostics import Diagnostic, ModelError
from symde.language.syntax import (
    Call,
    Compare,
    Conditional,
    Expr,
    Logic,
    Name,
    Negate,
    Not,
    Number,
    Power,
    Product,
    Sum,
)
from symde.model.definition import INITIAL_TIME, PI, TIME, Definition, Parameter, State
from symde.model.names import is_name, normalised
from symde.model.walk import identifiers


def definition_from_sympy(
    equations: Mapping[Any, Any],
    parameters: Sequence[Any] | Mapping[Any, Any] | None,
    initial: Mapping[Any, Any] | None,
    t: Any,
    name: str,
) -> Definition:
    """The definition of `state' = expression` for every entry; see :meth:`Model.from_sympy`."""
    time = name_of(t) if t is not None else TIME
    reader = Reader(time)
    values = {name_of(key): reader.read(value) for key, value in equations.items()}
    starts = {name_of(key): reader.read(value) for key, value in (initial or {}).items()}
    for state in starts:
        if state not in values:
            raise _error(f"initial value of `{state}`, which has no equation")
    defaults = _parameter_defaults(parameters, reader, [*values.values()], [*starts.values()], set(values))
    known = set(defaults) | set(values)
    for one in [TIME, PI, *known]:
        if (one in (TIME, PI) and one in known) or not is_name(one):
            raise _error(f"`{one}` cannot be the name of a state or parameter", "rename the symbol")
    if both := set(defaults) & set(values):
        raise _error(f"`{min(both)}` is a state and a parameter", "rename one of them")
    _check_defined(values.values(), known | {TIME, PI}, "the equations")
    _check_defined(starts.values(), set(defaults) | {INITIAL_TIME, PI}, "an initial value")
    _check_defined(
        (one for one in defaults.values() if one is not None), set(defaults) | {PI}, "a parameter's default"
    )
    return Definition(
        name=normalised(name),
        doc=None,
        states=tuple(State(one, value, starts.get(one)) for one, value in values.items()),
        parameters=tuple(Parameter(one, value) for one, value in defaults.items()),
        observables=(),
        constants=(),
        functions=(),
        tspan=None,
        source=None,
        form="sympy",
    )


def _parameter_defaults(
    parameters: Sequence[Any] | Mapping[Any, Any] | None,
    reader: Reader,
    values: list[Expr],
    starts: list[Expr],
    states: set[str],
) -> dict[str, Expr | None]:
    if isinstance(parameters, Mapping):
        return {name_of(key): reader.read(value) for key, value in parameters.items()}
    if parameters is not None:
        return {name_of(key): None for key in parameters}
    free = (identifiers(values) - {TIME, PI}) | (identifiers(starts) - {INITIAL_TIME, PI})
    return dict.fromkeys(sorted(free - states))


def _check_defined(expressions: Any, known: set[str], place: str) -> None:
    unknown = sorted(identifiers(expressions) - known)
    if unknown:
        raise _error(f"{place} cannot read `{unknown[0]}`", "not a state, parameter or the time", "E201")


def _error(message: str, help_text: str | None = None, code: str = "E330") -> ModelError:
    return ModelError([Diagnostic(code, message, None, "", help_text)])


def name_of(key: Any) -> str:
    """The name of a symbol, of a function ``x(t)`` or of its derivative; a string itself."""
    if isinstance(key, str):
        return normalised(key)
    if isinstance(key, sympy.Derivative) and isinstance(key.expr, (AppliedUndef, sympy.Symbol)):
        return name_of(key.expr)
    if isinstance(key, AppliedUndef):
        return normalised(key.func.__name__)
    if isinstance(key, sympy.Symbol):
        return normalised(key.name)
    raise _error(f"`{key}` is no symbol", "use a sympy symbol, a name or a function `x(t)`")


class Reader:
    """Reads sympy expressions; `time` is the name of the symbol that means `t`."""

    def __init__(self, time: str = TIME):
        self.time = time

    def read(self, expression: Any) -> Expr:
        """The expression in the language's operations.

        Raises:
            ModelError: it contains something that the language does not have.
        """
        root = (
            sympy.sympify(expression, strict=True) if not isinstance(expression, sympy.Basic) else expression
        )
        known: dict[Any, Expr] = {}
        stack = [(root, False)]
        while stack:
            node, expanded = stack.pop()
            if node in known:
                continue
            operands = () if _is_leaf(node) else _operands(node)
            if expanded or not operands:
                known[node] = self._node(node, tuple(known[operand] for operand in operands))
            else:
                stack.append((node, True))
                stack.extend((operand, False) for operand in operands)
        return known[root]

    def _node(self, node: Any, operands: tuple[Expr, ...]) -> Expr:
        if isinstance(node, (sympy.Symbol, AppliedUndef)):
            name = name_of(node)
            return _name(TIME if name == self.time else name)
        if node.is_Number or isinstance(node, sympy.NumberSymbol):
            return _number(node)
        if isinstance(node, sympy.Piecewise):
            return _piecewise(node, operands)
        if isinstance(node, sympy.Heaviside):
            return _heaviside(node, operands)
        for kind, make in _MAKERS:
            if isinstance(node, kind):
                return make(*operands)
        raise _error(f"`{type(node).__name__}` in `{_short(node)}` has no counterpart in the language")


def _short(node: Any) -> str:
    text = str(node)
    return text if len(text) <= 60 else text[:57] + "..."


def _is_leaf(node: Any) -> bool:
    return isinstance(node, (AppliedUndef, BooleanTrue, BooleanFalse)) or not node.args


def _operands(node: Any) -> tuple[Any, ...]:
    if isinstance(node, sympy.Piecewise):
        return tuple(part for pair in node.args for part in pair.args if part != sympy.true)
    if isinstance(node, sympy.Heaviside):
        return node.args[:1]
    return node.args


_ONE = Number(1, "1", span=None)


def _name(name: str) -> Name:
    return Name(name, span=None)


def _number(node: Any) -> Expr:
    if node is sympy.pi:
        return _name(PI)
    if node is sympy.E:
        return Call("exp", (Number(1, "1", span=None),), span=None)
    if isinstance(node, sympy.Rational) and not node.is_Integer:
        return Product(
            (("*", _number(sympy.Integer(node.p))), ("/", _number(sympy.Integer(node.q)))), span=None
        )
    if isinstance(node, sympy.Integer) and abs(int(node)) < 2**63:
        value: int | float = int(node)
    elif node.is_finite and node.is_real and abs(node) < 1.8e308:
        value = float(node)
    else:
        raise _error(f"`{node}` is no finite real number")
    positive = Number(abs(value), repr(abs(value)), span=None)
    return Negate(positive, span=None) if value < 0 else positive


def _piecewise(node: Any, operands: tuple[Expr, ...]) -> Expr:
    if node.args[-1][1] != sympy.true:
        raise _error(
            f"`{_short(node)}` has no value where none of its conditions holds", "end it with (value, True)"
        )
    *pairs, otherwise = operands
    result = otherwise
    for value, condition in reversed(list(zip(pairs[0::2], pairs[1::2], strict=True))):
        result = Conditional(condition, value, result, span=None)
    return result


def _heaviside(node: Any, operands: tuple[Expr, ...]) -> Expr:
    """`heaviside` is 1 at zero; another value there is written out as a conditional."""
    if len(node.args) > 1 and node.args[1] == 1:
        return Call("heaviside", operands, span=None)
    middle = _number(node.args[1] if len(node.args) > 1 else sympy.Rational(1, 2))
    (operand,) = operands
    zero, one = Number(0, "0", span=None), Number(1, "1", span=None)
    above = Conditional(Compare((operand, zero), (">",), span=None), one, middle, span=None)
    return Conditional(Compare((operand, zero), ("<",), span=None), zero, above, span=None)


def _sum(*operands: Expr) -> Expr:
    terms = (("-", one.operand) if isinstance(one, Negate) else ("+", one) for one in operands)
    return Sum(tuple(terms), span=None)


def _product(*operands: Expr) -> Expr:
    """Factors, with a leading sign in front and reciprocals as divisions."""
    negative = sum(isinstance(one, Negate) for one in operands) % 2 == 1
    factors: list[tuple[str, Expr]] = []
    for one in operands:
        factor = one.operand if isinstance(one, Negate) else one
        if _is_reciprocal(factor):
            factors.append(factor.factors[1])
        elif factor != _ONE:
            factors.append(("*", factor))
    one_first = [("*", _ONE)] if not factors or all(s == "/" for s, _ in factors) else []
    factors = one_first + sorted(factors, key=lambda pair: pair[0] == "/")
    result = factors[0][1] if len(factors) == 1 else Product(tuple(factors), span=None)
    return Negate(result, span=None) if negative else result


def _is_reciprocal(node: Expr) -> TypeGuard[Product]:
    """Whether a node is `1/x`, as :func:`_power` and :func:`_number` write it."""
    if not isinstance(node, Product) or [sign for sign, _ in node.factors] != ["*", "/"]:
        return False
    first = node.factors[0][1]
    return isinstance(first, Number) and first.value == 1


def _power(base: Expr, exponent: Expr) -> Expr:
    if _is_reciprocal(exponent) and exponent.factors[1][1] == Number(2, "2", span=None):
        return Call("sqrt", (base,), span=None)
    if isinstance(exponent, Negate) and _is_reciprocal(exponent.operand):
        positive = _power(base, exponent.operand)
        return Product((("*", _ONE), ("/", positive)), span=None)
    if isinstance(exponent, Negate) and isinstance(exponent.operand, Number):
        positive = _power(base, exponent.operand)
        return Product((("*", _ONE), ("/", positive)), span=None)
    if isinstance(exponent, Number) and exponent.value == 1:
        return base
    return Power(base, exponent, span=None)


def _call(function: str) -> Callable[..., Expr]:
    return lambda *operands: Call(function, operands, span=None)


def _relation(operator: str) -> Callable[..., Expr]:
    return lambda left, right: Compare((left, right), (operator,), span=None)


def _logic(operator: str) -> Callable[..., Expr]:
    return lambda *operands: Logic(operator, operands, span=None)


def _constant_condition(operator: str) -> Callable[..., Expr]:
    zero, one = Number(0, "0", span=None), Number(1, "1", span=None)
    return lambda *_: Compare((zero, one), (operator,), span=None)


_MAKERS: tuple[tuple[Any, Callable[..., Expr]], ...] = (
    (sympy.Add, _sum),
    (sympy.Mul, _product),
    (sympy.Pow, _power),
    (BooleanTrue, _constant_condition("<")),
    (BooleanFalse, _constant_condition(">")),
    (sympy.And, _logic("and")),
    (sympy.Or, _logic("or")),
    (sympy.Not, lambda operand: Not(operand, span=None)),
    (sympy.StrictLessThan, _relation("<")),
    (sympy.LessThan, _relation("<=")),
    (sympy.StrictGreaterThan, _relation(">")),
    (sympy.GreaterThan, _relation(">=")),
    (sympy.Eq, _relation("==")),
    (sympy.Ne, _relation("!=")),
    (sympy.ITE, lambda condition, then, otherwise: Conditional(condition, then, otherwise, span=None)),
    (sympy.exp, _call("exp")),
    (sympy.log, _call("log")),
    (sympy.Abs, _call("abs")),
    (sympy.floor, _call("floor")),
    (sympy.ceiling, _call("ceil")),
    (sympy.Mod, _call("mod")),
    (sympy.Min, _call("min")),
    (sympy.Max, _call("max")),
    (sympy.gamma, _call("gamma")),
    (sympy.erf, _call("erf")),
    (sympy.sign, _call("sign")),
    *(
        (getattr(sympy, name), _call(name))
        for name in ("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh")
    ),
)
