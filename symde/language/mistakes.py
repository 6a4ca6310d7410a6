"""Known mistakes: a table of what people write when they mean something else.

Each entry holds an example, the text under its caret, and what is said about it; the tests run every example.
A pattern applies where its match covers the place at which the parser stopped (or, `anywhere`, wherever it
matches); the first entry that applies is told.
"""

from __future__ import annotations

from dataclasses import dataclass

NAME = r"(?![₀-₉])[^\W\d]\w*'*"
NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_DECLARES = r"(?:param|parameter|state|const)"
WORDS = (
    "param state const time model end when at every jump extern dom hamiltonian conserved import use history "
    "discrete stratonovich"
).split()
"""Words that begin statements."""

FOREIGN_WORDS = {
    "parameters": "param",
    "var": "state",
    "variable": "state",
    "variables": "state",
    "states": "state",
    "species": "state",
    "unknown": "state",
    "constant": "const",
    "constants": "const",
    "let": "const",
    "tspan": "time",
    "timespan": "time",
    "endmodel": "end",
    "module": "model",
    "domain": "dom",
    "event": "when",
    "include": "import",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One known mistake.

    Attributes:
        example: a statement (or text) with it.
        caret: the text under the caret in the example.
        code, message, label, help: what is said; `{name}` stands for the group of that name.
        pattern: matches it; the group `here` goes under the caret.
        anywhere: whether the match need not cover the place where the parser stopped.
    """

    example: str
    caret: str
    code: str
    message: str
    label: str
    help: str
    pattern: str
    anywhere: bool = False


MISTAKES = (
    # ---- the sign of an equation
    Mistake(
        "x' == -x",
        "==",
        "E104",
        "`==` compares, and an equation has `=`",
        "comparison",
        "write `=`",
        r"\A(?!(?:\w+\s*:\s*)?(?:when|at|every)\s)[^=]*?(?<![<>!])(?P<here>==)(?:[^=]|[<>!=]=)*\Z",
        anywhere=True,
    ),
    Mistake("y := 2*x", ":=", "E104", "`:=` is no operator here", "assignment", "write `=`", r"(?P<here>:=)"),
    Mistake(
        "param k := 3", ":=", "E104", "`:=` is no operator here", "assignment", "write `=`", r"(?P<here>:=)"
    ),
    Mistake(
        "x <- 3*k",
        "<-",
        "E104",
        "`<-` is no operator here",
        "read as `< -`",
        "write `=`",
        rf"\A{NAME}\s*(?P<here><-)(?=\s)",
        anywhere=True,
    ),
    Mistake(
        "x += 3",
        "+=",
        "E104",
        "`+=` changes a value, and equations hold always",
        "assignment",
        "write `x' = ...` or `x = ...`; values change only in events and jumps",
        r"(?P<here>[-+*/^]=)(?!=)",
    ),
    # ---- operators of other languages
    Mistake(
        "x' = 1 if x < 1 && t > 2 else 0",
        "&&",
        "E105",
        "`&&` is no operator here",
        "C",
        "write `and`",
        r"(?P<here>&&?)",
    ),
    Mistake(
        "x' = 1 if x < 1 || t > 2 else 0",
        "||",
        "E105",
        "`||` is no operator here",
        "C",
        "write `or`",
        r"(?P<here>\|\|?)",
    ),
    Mistake(
        "x' = 1 if !(x < 1) else 0",
        "!",
        "E105",
        "`!` is no operator here",
        "C",
        "write `not`",
        r"(?P<here>!)(?!=)",
    ),
    Mistake(
        "x' = x % 2", "%", "E105", "`%` is no operator here", "remainder", "write `mod(a, b)`", r"(?P<here>%)"
    ),
    Mistake(
        "x' = a .* b",
        ".*",
        "E105",
        "`.*` is no operator here",
        "elementwise",
        "write `*`",
        r"(?P<here>\.(?P<operator>[-+*/^]))",
    ),
    Mistake(
        "x' = -x // decay",
        "//",
        "E124",
        "`//` is no operator here",
        "comment, or whole division",
        "`#` begins a comment; whole division is `floor(a/b)`",
        r"(?P<here>//)",
    ),
    Mistake(
        "x' = -x /* decay */",
        "/*",
        "E124",
        "`/*` begins no comment here",
        "comment of C",
        "write `# ...` to the end of the line",
        r"(?P<here>/\*)",
    ),
    Mistake(
        "param k = 3 'rate'",
        "'rate'",
        "E124",
        "strings are written with double quotes",
        "single quotes",
        'write `"{inside}"`',
        r"(?<![\w'])(?P<here>'(?P<inside>[^'\n]*)')",
    ),
    # ---- derivatives
    Mistake(
        "d^2y/dt^2 = -y",
        "d^2y/dt^2",
        "E106",
        "a derivative is not written as a quotient",
        "not a name",
        "write `{name}'' = ...`",
        rf"\A(?P<here>d(?:\^|\*\*)?2\s*\(?(?P<name>{NAME})\)?\s*/\s*dt(?:\^|\*\*)?2)\s*=",
        anywhere=True,
    ),
    # ---- numbers
    Mistake(
        "param k = 3,5",
        "3,5",
        "E005",
        "a number has a decimal point",
        "decimal comma",
        "write `{whole}.{part}`",
        r"=\s*-?(?P<here>(?P<whole>\d+),(?P<part>\d+))(?![\w.])",
    ),
    Mistake(
        "x' = x^2y",
        "2y",
        "E114",
        "`^{here}` may mean `^({number}*{name})` or `^{number}*{name}`",
        "which?",
        "write the one that is meant",
        rf"(?:\^|\*\*)\s*[-+]?(?P<here>(?P<number>{NUMBER})(?P<name>{NAME}))",
    ),
    Mistake(
        "x' = 2^3(x + 1)",
        "3(",
        "E114",
        "a number right of `^` touches a bracket",
        "which is meant?",
        "write `^3*(...)` or `^(3*(...))`",
        rf"(?:\^|\*\*)\s*[-+]?(?P<here>{NUMBER}\()",
    ),
    # ---- words
    Mistake(
        'model "doc"\nx\' = -x\nend',
        "model",
        "E122",
        "a model has a name",
        "no name",
        "write `model NAME`",
        r"\A(?P<here>model)\s*(?:\Z|\")",
    ),
    Mistake(
        "param",
        "param",
        "E122",
        "`param` declares nothing",
        "no name",
        "write `param k = 1`",
        r"\A(?P<here>param(?:eter)?)\s*\Z",
    ),
    Mistake(
        "state",
        "state",
        "E122",
        "`state` declares nothing",
        "no name",
        "write `state x = 1`",
        r"\A(?P<here>state)\s*\Z",
    ),
    Mistake(
        "const",
        "const",
        "E122",
        "`const` declares nothing",
        "no name",
        "write `const c = 1`",
        r"\A(?P<here>const)\s*\Z",
    ),
    Mistake(
        "param 3 = 4",
        "3",
        "E122",
        "`param` is followed by a name",
        "no name",
        "write `param k = 1`",
        rf"\A(?P<word>{_DECLARES})\s+(?P<here>[^\s\w]|\d\S*)",
    ),
    Mistake(
        "time 0, 10",
        "0, 10",
        "E123",
        "a time span is written with `..`",
        "no `..`",
        "write `time 0 .. 10`",
        r"\Atime\s+(?P<here>(?!.*\.\.).+)",
        anywhere=True,
    ),
    Mistake(
        "time 0 : 10",
        "0 : 10",
        "E123",
        "a time span is written with `..`",
        "no `..`",
        "write `time 0 .. 10`",
        r"\Atime\s+(?P<here>(?!.*\.\.).+)",
        anywhere=True,
    ),
    Mistake(
        "time (0, 10)",
        "(0, 10)",
        "E123",
        "a time span is written with `..`",
        "no `..`",
        "write `time 0 .. 10`",
        r"\Atime\s*(?P<here>\((?!.*\.\.).+)",
        anywhere=True,
    ),
    Mistake(
        "@ode_def M begin\ndx = -a*x\nend a=1",
        "a=1",
        "E112",
        "`end` is followed by names alone",
        "a value",
        "write `end {name}`, and give its value when solving, or declare `param {name} = ...` in a `model`",
        rf"\Aend\b.*?(?P<here>(?P<name>{NAME})\s*=>?\s*\S*)",
    ),
    Mistake(
        "@ode_def M begin\ndx = -a*x\nend a 2",
        "2",
        "E112",
        "`end` is followed by names alone",
        "no name",
        "write the names of the parameters: `end a b`",
        r"\Aend\b.*?(?P<here>[^\w\s,]\S*|\b\d\S*)",
    ),
    Mistake(
        "function f(x) = 2*x",
        "function",
        "E107",
        "functions need no word before them",
        "remove it",
        "write `f(x) = ...`",
        r"\A(?P<here>function|def)\s+",
        anywhere=True,
    ),
    Mistake(
        "x' = if x > 1 then 2 else 3",
        "if",
        "E125",
        "a conditional begins with its value",
        "word order",
        "write `a if condition else b`, or `condition ? a : b`",
        r"(?:[=(,*/+-])\s*(?P<here>if)\b[\s(].*",
    ),
    Mistake(
        "if x > 1 then y = 2",
        "if",
        "E125",
        "a statement has no `if`",
        "not a statement",
        "write `y = a if condition else b`",
        r"\A(?P<here>if|else|elif|elseif)\b[\s(]",
        anywhere=True,
    ),
    Mistake(
        "x' = 2 if x > 1",
        "if",
        "E125",
        "a conditional has two values",
        "no `else`",
        "write `a if condition else b`",
        r"(?P<here>(?<![\w'])if)(?![\w'])(?!.*\belse\b).*\Z",
    ),
    # ---- Hamiltonians
    Mistake(
        "hamiltonian H = p^2/2 + q^2/2",
        "hamiltonian",
        "E127",
        "a Hamiltonian says which states are conjugate",
        "no pairs",
        "write `hamiltonian H = ... for (q, p)`, positions first",
        r"\A(?P<here>hamiltonian)\b(?!.*\bfor\b).*\Z",
        anywhere=True,
    ),
    Mistake(
        "hamiltonian p^2/2 + q^2/2 for (q, p)",
        "p^2/2 + q^2/2",
        "E127",
        "a Hamiltonian has a name",
        "no name",
        "write `hamiltonian H = ... for (q, p)`",
        r"\Ahamiltonian\s+(?P<here>[^=]*?)\s+for\b",
        anywhere=True,
    ),
    Mistake(
        "hamiltonian H = p^2/2 + q^2/2 for q, p",
        "q, p",
        "E127",
        "conjugate states stand in brackets, two by two",
        "no pairs",
        "write `for (q, p)`, or `for (q1, p1), (q2, p2)`",
        r"\Ahamiltonian\b.*\bfor\s+(?P<here>.+)\Z",
        anywhere=True,
    ),
    # ---- events
    Mistake(
        "when: x = 1",
        "when",
        "E141",
        "an event has a condition",
        "no condition",
        "write `when x > 1: ...`",
        rf"\A(?:{NAME}\s*:\s*)?(?P<here>when)\s*[:{{].*",
        anywhere=True,
    ),
    Mistake(
        "every: x = 1",
        "every",
        "E142",
        "a repeated event has a period",
        "no period",
        "write `every 24: ...`, or `every 24 from 0 until 240: ...`",
        rf"\A(?:{NAME}\s*:\s*)?(?P<here>every)\s*[:{{].*",
        anywhere=True,
    ),
    Mistake(
        "at 3: x = 1",
        "3",
        "E142",
        "`at` is followed by times",
        "no `t =`",
        "write `at t = {here}: ...`",
        rf"\A(?:{NAME}\s*:\s*)?at\s+(?!t\s*=)(?P<here>[^:={{]+?)\s*[:{{].*",
        anywhere=True,
    ),
    Mistake(
        "at t == 3: x = 1",
        "==",
        "E142",
        "`==` compares, and times are given with `=`",
        "comparison",
        "write `at t = ...`",
        rf"\A(?:{NAME}\s*:\s*)?at\s+t\s*(?P<here>==).*",
        anywhere=True,
    ),
    Mistake(
        "when x = 1: y = 2",
        "=",
        "E104",
        "a condition compares with `==`",
        "sets a value",
        "write `==`",
        rf"\A(?:{NAME}\s*:\s*)?when\s[^:{{=]*?(?P<here>(?<![<>!])=(?!=))[^:{{]*[:{{].*",
        anywhere=True,
    ),
    Mistake(
        "when x > 1, y > 2: z = 0",
        ",",
        "E141",
        "an event has one condition",
        "a second one",
        "join them with `and` or `or`",
        rf"\A(?:{NAME}\s*:\s*)?when\s[^:{{,]*?(?P<here>,)[^:{{]*[:{{].*",
    ),
    Mistake(
        "stop",
        "stop",
        "E141",
        "`stop` is an effect of an event",
        "of no event",
        "separate effects by commas, `when x > 1: x = 0, stop`, or write them in braces",
        r"\A(?P<here>stop)\s*\Z",
        anywhere=True,
    ),
    Mistake(
        "bounce when x > 1: y = 2",
        "bounce",
        "E141",
        "the name of an event is followed by `:`",
        "a name?",
        "write `{here}: {word} ...`",
        rf"\A(?P<here>{NAME})\s+(?P<word>when|at|every)\s+[\w(].*[:{{].*",
        anywhere=True,
    ),
    Mistake(
        "when x > 1 y = 2",
        "when",
        "E141",
        "the effects of an event stand behind `:`",
        "no `:`",
        "write `{word} ...: x = value`",
        rf"\A(?:{NAME}\s*:\s*)?(?P<here>(?P<word>when|at|every))\s+[\w(](?!.*[:{{]).*\Z",
        anywhere=True,
    ),
    # ---- a file's name in place of its text
    Mistake(
        "examples/rober.symde",
        "examples/rober.symde",
        "E111",
        "the name of a file is no model text",
        "a file?",
        'read it with `symde.load("{here}")`',
        r"\A(?P<here>\S+\.symde)\Z",
        anywhere=True,
    ),
    # ---- reactions
    Mistake(
        "k1: A + B -> C",
        "->",
        "E101",
        "a reaction is written with its rate first and another arrow",
        "an arrow",
        "write `k, A + B --> C`: the rate, a comma, the reaction with `-->` or `<-->`",
        r"\A[^=\"]*?(?P<here><?-+>|<=>)",
        anywhere=True,
    ),
    # ---- modules
    Mistake(
        "x' = -k*np.sin(x)",
        "np.sin",
        "E101",
        "a function stands without a module",
        "no module here",
        "write `{name}(...)`",
        rf"(?P<here>{NAME}\s*\.\s*(?P<name>{NAME}))(?=\s*\()",
    ),
    # ---- units, braces
    Mistake(
        "param k = 1 mM",
        "mM",
        "E115",
        "a unit stands in brackets",
        "a unit?",
        "write `[{here}]` for a unit, `{number}*{here}` to multiply",
        rf"\A{_DECLARES}\b.*?=\s*[-+]?(?P<number>{NUMBER})[^\S\n]+"
        rf"(?P<here>(?:1/)?{NAME}(?:[*/^]-?\w+)*)(?=\s*(?:\Z|[,;\"]))",
    ),
    Mistake(
        "param k = 2[1/s]",
        "[1/s]",
        "E115",
        "a unit stands apart from its number",
        "glued",
        "put a space before it: ` [1/s]`",
        r"(?<=[\d.)])(?P<here>\[[^\]]*\]?)",
    ),
    Mistake(
        "time 0 .. 180 [d]",
        "[d]",
        "E115",
        "a time span has no unit",
        "only states and parameters have one",
        "leave it out: the time has the unit that the rates are written in",
        r"\Atime\b.*?\s(?P<here>\[[^\]]*\]?)",
    ),
    Mistake(
        "x' = -2 [1/s] * x",
        "[1/s]",
        "E115",
        "units belong to declarations",
        "not in an expression",
        "declare it: `param k = 2 [1/s]`",
        r"(?<=\s)(?P<here>\[[^\]]*\]?)",
    ),
    Mistake("x' = {x + 1}*2", "{", "E101", "braces do not group", "brace", "write `( )`", r"(?P<here>\{)"),
    # ---- several statements in one line, or one that goes on
    Mistake(
        "state x = 1 y = 2",
        "y",
        "E121",
        "two declarations without a comma",
        "the second begins here",
        "separate them with `,`",
        rf"\A{_DECLARES}\b[^=]*=.*?(?<=[\w)'\"\]])\s+(?P<here>{NAME})\s*=(?!=)",
    ),
    Mistake(
        "x' = -x y' = -y",
        "y'",
        "E121",
        "two statements in one line",
        "the second begins here",
        "separate them with `;` or a newline",
        rf"(?<=[\w)'\"\]])\s+(?P<here>{NAME})\s*=(?!=)",
    ),
    Mistake(
        "x' = -x +\ny' = -y",
        "+",
        "E103",
        "the statement goes on after an operator at the end of its line",
        "another line is read with it",
        "finish the expression, or remove the operator",
        rf"(?P<here>[-+*/^,=])[^\S\n]*\n\s*{NAME}\s*=(?!=)",
    ),
    Mistake(
        "x' = y = 3",
        "=",
        "E101",
        "a second `=`",
        "one too many",
        "write two statements",
        r"(?<![=<>!])=(?![=>]).*?(?P<here>(?<![=<>!:])=(?![=>]))",
    ),
)
