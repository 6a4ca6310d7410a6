"""Identifiers that a model's names may not take in printed C."""

_C = """
auto break case char const continue default do double else enum extern float for goto if inline int
long register restrict return short signed sizeof static struct switch typedef union unsigned void
volatile while
"""


# So that the file compiles as C++ too.
_CPP = """
alignas alignof and and_eq asm bitand bitor bool catch char8_t char16_t char32_t class compl concept
consteval constexpr constinit const_cast co_await co_return co_yield decltype delete dynamic_cast
explicit export false friend mutable namespace new noexcept not not_eq nullptr operator or or_eq
private protected public reinterpret_cast requires static_assert static_cast template this
thread_local throw true try typeid typename typeof using virtual wchar_t xor xor_eq
"""


# Of math.h and stddef.h, and macros that compilers define by themselves outside of strict C99.
_LIBRARY = """
exp log log2 log10 sin cos tan asin acos atan atan2 sinh cosh tanh sqrt pow fabs floor ceil fmod erf
tgamma gamma lgamma signgam isnan isinf isfinite isnormal signbit fpclassify isgreater
isgreaterequal isless islessequal islessgreater isunordered NAN INFINITY HUGE_VAL HUGE MAXFLOAT NULL
offsetof ptrdiff_t size_t float_t double_t math_errhandling DOMAIN SING OVERFLOW UNDERFLOW PLOSS
TLOSS E I linux unix i386
"""


_OWN = "t t0 u p du J values gradient out tspan"

RESERVED = frozenset(f"{_C} {_CPP} {_LIBRARY} {_OWN}".split())
"""All of them."""
