"""sympy expressions -> a definition."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeGuard

import sympy
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom, BooleanFalse, BooleanFunction, BooleanTrue

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
    _require_mappings(equations, parameters, initial, name)
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
        primed = one.endswith("'") and values.get(one[:-1]) != Name(one, span=None)
        if (one in (TIME, PI) and one in known) or not is_name(one) or primed:
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


def _require_mappings(equations: Any, parameters: Any, initial: Any, name: Any) -> None:
    if not isinstance(equations, Mapping):
        found = type(equations).__name__
        raise TypeError(f"equations are a mapping of states to their time derivatives, not a {found}")
    if not equations:
        raise _error("a model needs an equation", "write {x: -k*x}")
    if initial is not None and not isinstance(initial, Mapping):
        raise TypeError(f"initial values are a mapping of states to values, not a {type(initial).__name__}")
    if isinstance(parameters, str) or not (parameters is None or isinstance(parameters, Iterable)):
        raise TypeError(f"parameters are a list of symbols or a mapping to defaults, not {parameters!r}")
    if not isinstance(name, str):
        raise TypeError(f"name is a text, not {name!r}")
    if not is_name(normalised(name)) or name.endswith("'"):
        raise _error(f"{name!r} cannot be the name of a model", "use letters, digits and `_`")


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
        root = _as_sympy(expression)
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

    def _require_symbol(self, node: Any, name: str) -> None:
        """Refuse symbols that the language would take for something else."""
        if isinstance(node, sympy.Dummy):
            raise _error(f"`{node}` is a dummy symbol, which no name tells from others", "use a sympy.Symbol")
        if name == PI:
            raise _error("a symbol is called `pi`", "write sympy.pi for the number, or rename the symbol")
        if name == TIME != self.time:
            raise _error(f"a symbol is called `{TIME}`, and `{self.time}` is the time", "rename the symbol")

    def _node(self, node: Any, operands: tuple[Expr, ...]) -> Expr:
        if isinstance(node, AppliedUndef) and [str(one) for one in node.args] != [self.time]:
            raise _error(f"`{_short(node)}` is not a function of the time `{self.time}` alone")
        if isinstance(node, (sympy.Symbol, AppliedUndef)):
            name = name_of(node)
            self._require_symbol(node, name)
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
        raise _no_counterpart(node)


def _as_sympy(expression: Any) -> Any:
    """A number or sympy expression as sympy's; text is never evaluated."""
    if isinstance(expression, sympy.Basic):
        root = expression
    else:
        try:
            root = sympy.sympify(expression, strict=True)
        except sympy.SympifyError:
            raise _error(
                f"`{_short(expression)}` is no sympy expression", "use symbols and numbers"
            ) from None
    if isinstance(root, Relational | BooleanFunction | BooleanAtom):
        raise _error(f"`{_short(root)}` is a condition, and a number is expected", code="E312")
    return root


def _no_counterpart(node: Any) -> ModelError:
    return _error(f"`{type(node).__name__}` in `{_short(node)}` has no counterpart in the language")


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
    if not isinstance(node, _KINDS):
        raise _no_counterpart(node)
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
    elif node.is_finite and node.is_real:
        value = _float64(node)
    else:
        raise _error(f"`{node}` is no finite real number")
    positive = Number(abs(value), repr(abs(value)), span=None)
    return Negate(positive, span=None) if value < 0 else positive


def _float64(node: Any) -> float:
    """A number as float64; beyond its range, or nearer to zero than it can tell, is an error."""
    try:
        value = float(node)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value) or (value == 0 and not node.is_zero):
        raise _error(f"`{_short(node)}` is out of the range of float64", code="E401")
    return value


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
_KINDS = tuple(kind for kind, _ in _MAKERS)
