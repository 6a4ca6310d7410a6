"""BioNetGen's network files (`.net`): parameters, species, reactions and groups as a model.

Source: J. R. Faeder, M. L. Blinov, W. S. Hlavacek, Rule-based modeling of biochemical systems with
BioNetGen, in Systems Biology (Methods in Molecular Biology 500, 2009), 113-167.

A rate of the file is multiplied by the plain product of the reactants, factors such as 1/2 for pairs of one
species written out; the language divides by n! itself (:mod:`symde.model.reactions`), so that the rate
constant here is n! times the file's. Species are called S1, S2, ... as in BioNetGen's own output, with their
patterns as documentation; groups and functions become observed quantities.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from symde.diagnostics import Diagnostics, Source, Span
from symde.io.bionetgen_expressions import NotUnderstood, expression
from symde.language.reaction_syntax import ReactionStatement, Term
from symde.language.syntax import (
    Assignment,
    Derivative,
    Expr,
    ModelBlock,
    Name,
    Number,
    ParameterDeclaration,
    Product,
    StateDeclaration,
    Statement,
    Sum,
)
from symde.model.builder import build
from symde.model.files import read_text
from symde.model.model import Model
from symde.model.names import is_name
from symde.model.reactions import whole

READ = ("parameters", "functions", "species", "reactions", "groups")
"""Blocks that make the model."""

PASSED_OVER = (
    "compartments", "molecule types", "observables", "reaction rules", "energy patterns", "population types",
    "population maps",
)  # fmt: skip
"""Blocks that tell where the network came from and say nothing more of it: volumes stand in the rates."""

_SETTING = re.compile(r"(?:setOption|substanceUnits|version)\s*\(")
"""Lines between blocks that say nothing of the network."""

_LINE = re.compile(r"[^\r\n]*")
_COMMENT = re.compile(r"#.*")
_FIXED = re.compile(r"(?:@\w+::?)?\$")
_INDEX = re.compile(r"(\d+)\s+")
_LAWS = ("Sat", "Hill", "MM", "FunctionProduct", "Arrhenius", "Eff")


@dataclass(slots=True)
class Line:
    """A line of a block: its words without comment and leading number, and its place."""

    text: str
    span: Span


@dataclass(slots=True)
class Network:
    """What has been read.

    Attributes:
        found: Takes the mistakes.
        blocks: Lines of each block.
        functions: Names of the functions.
        species: Name of each species, in order.
        fixed: Names of those that no reaction changes.
    """

    found: Diagnostics
    blocks: dict[str, list[Line]] = field(default_factory=lambda: {name: [] for name in READ})
    functions: set[str] = field(default_factory=set)
    species: list[str] = field(default_factory=list)
    fixed: set[str] = field(default_factory=set)

    def refuse(self, message: str, line: Line | Span, label: str = "", help_text: str | None = None) -> None:
        span = line.span if isinstance(line, Line) else line
        self.found.error("E370", message, span, label or "not understood", help_text)

    def expression(self, text: str, line: Line) -> Expr:
        """An expression of the file; 0 with an error where it is none."""
        try:
            return expression(text, line.span, self.functions)
        except NotUnderstood as problem:
            self.refuse(str(problem), line)
            return whole(0, line.span)


def read_net(path: str) -> Model:
    """The model in a network file.

    Raises:
        OSError: the file cannot be read.
        ModelError: every line that is not understood.
    """
    text = read_text(path)
    source, found = Source(path, text), Diagnostics()
    network = Network(found)
    _split(network, source)
    statements = [*_parameters(network), *_species(network), *_quantities(network), *_reactions(network)]
    found.raise_if_any()
    stem = re.sub(r"\W", "_", Path(path).stem)
    name = Name(stem if is_name(stem) else f"net_{stem}")
    whole_file = Span(source, 0, len(text))
    return Model(build(ModelBlock(name, None, "long", tuple(statements), None, span=whole_file)))


def _split(network: Network, source: Source) -> None:
    """The lines of the file by block."""
    block, opened = None, None
    for match in _LINE.finditer(source.text):
        text = _COMMENT.sub("", match[0]).strip()
        start = match.start() + len(match[0]) - len(match[0].lstrip())
        line = Line(text, Span(source, start, max(start, match.start() + len(match[0].rstrip()))))
        words = text.split()
        if not words:
            continue
        if words[0] == "begin":
            block, opened = " ".join(words[1:]), line
            if block not in READ and block not in PASSED_OVER:
                network.refuse(f"a block `{block}` is not read", line)
        elif words[0] == "end":
            block = opened = None
        elif block in network.blocks:
            number = _INDEX.match(text) if block != "reactions" else None
            line.text = text if number is None else text[number.end() :]
            network.blocks[block].append(line)
            place = len(network.blocks[block])
            if block == "species" and number is not None and int(number[1]) != place:
                network.refuse(f"species {number[1]} stands in place {place}", line, "another number")
        elif block is None and not _SETTING.match(text):
            help_text = "a network file consists of blocks, as `generate_network` writes it"
            network.refuse("a line outside of all blocks", line, help_text=help_text)
    if opened is not None:
        network.refuse(f"block `{block}` is never ended", opened, "begun here")
    if not network.blocks["species"]:
        network.refuse("the file has no species", Span(source, 0, 0), "no block `species`")


def _parameters(network: Network) -> list[Statement]:
    # the names of functions first: every expression may call them
    for line in network.blocks["functions"]:
        network.functions.add(line.text.partition("(")[0].strip())
    statements: list[Statement] = []
    for line in network.blocks["parameters"]:
        name, value = _name_and_rest(network, line)
        statements.append(ParameterDeclaration(name, network.expression(value, line), span=line.span))
    return statements


def _name_and_rest(network: Network, line: Line) -> tuple[Name, str]:
    name, _, rest = line.text.partition(" ") if " " in line.text else line.text.partition("\t")
    if not is_name(name) or not rest.strip():
        network.refuse("a name and its value are expected", line)
        return Name("refused", span=line.span), "0"
    return Name(name, span=line.span), rest.strip()


def _species(network: Network) -> list[Statement]:
    statements: list[Statement] = []
    taken = {line.text.split()[0] for line in network.blocks["parameters"] + network.blocks["groups"]}
    for place, line in enumerate(network.blocks["species"], start=1):
        pattern, _, value = line.text.rpartition(" ") if " " in line.text else line.text.rpartition("\t")
        name = f"S{place}"
        while name in taken | network.functions:
            name += "_"
        network.species.append(name)
        if _FIXED.match(pattern):
            network.fixed.add(name)
        words = pattern.strip().split()
        if len(words) != 1:
            network.refuse("a species and its initial amount are expected", line)
        initial = network.expression(value, line)
        doc = words[0] if words else None
        statements.append(StateDeclaration(Name(name, span=line.span), initial, doc=doc, span=line.span))
    return statements


def _quantities(network: Network) -> list[Statement]:
    """Groups and functions as observed quantities."""
    statements: list[Statement] = []
    for line in network.blocks["groups"]:
        words = line.text.split()
        members = words[1] if len(words) == 2 else ""
        if not words or len(words) > 2 or not is_name(words[0]):
            network.refuse("a group has a name and its members, `name 1,2*3`", line)
            continue
        value = _weighted(network, members, line)
        statements.append(Assignment(Name(words[0], span=line.span), value, span=line.span))
    for line in network.blocks["functions"]:
        match = re.fullmatch(r"(\w+)\s*\(([^)]*)\)\s*=?\s*(.+)", line.text)
        if match is None or match[2].strip():
            help_text = "functions of molecules (local functions) are not read"
            network.refuse("a function without arguments is expected, `name() value`", line, "", help_text)
            continue
        value = network.expression(match[3], line)
        statements.append(Assignment(Name(match[1], span=line.span), value, span=line.span))
    return statements


def _weighted(network: Network, members: str, line: Line) -> Expr:
    """`1,2*3`: S1 + 2*S3."""
    terms: list[tuple[str, Expr]] = []
    for member in filter(None, members.split(",")):
        match = re.fullmatch(r"(?:(\d+(?:\.\d*)?)\*)?(\d+)", member)
        index = int(match[2]) if match is not None else 0
        if match is None or not 1 <= index <= len(network.species):
            network.refuse(f"`{member}` is no member of a group", line)
            continue
        species = Name(network.species[index - 1], span=line.span)
        if match[1] in (None, "1"):
            terms.append(("+", species))
        else:
            weight = Number(float(match[1]), match[1], span=line.span)
            terms.append(("+", Product((("*", weight), ("*", species)), span=line.span)))
    if not terms:
        return whole(0, line.span)
    return terms[0][1] if len(terms) == 1 else Sum(tuple(terms), span=line.span)


def _reactions(network: Network) -> list[Statement]:
    statements: list[Statement] = []
    changed: set[str] = set()
    for line in network.blocks["reactions"]:
        match = re.fullmatch(r"\d+\s+([\d,]+)\s+([\d,]+)\s+(\S.*)", line.text)
        if match is None:
            network.refuse("a number, reactants, products and a rate are expected", line)
            continue
        taken, given = (_numbered(network, one, line) for one in match.group(1, 2))
        for name in network.fixed:
            given[name] = taken[name]
        rate = match[3].strip()
        if rate.split()[0] in _LAWS:
            message = f"the rate law `{rate.split()[0]}` is not read"
            network.refuse(message, line, "", "write the law as a function of the BioNetGen model")
            continue
        sides = (_terms(taken, line), _terms(given, line))
        if not sides[0] and not sides[1]:
            continue  # a fixed species alone is made: nothing changes
        constant = _per_combination(network.expression(rate, line), taken)
        changed |= {term.species.id for side in sides for term in side}
        statements.append(ReactionStatement((constant,), "-->", *sides, span=line.span))
    return statements + _unchanged(network, changed)


def _unchanged(network: Network, changed: set[str]) -> list[Statement]:
    """Species in no reaction stay what they are."""
    lines = dict(zip(network.species, network.blocks["species"], strict=True))
    idle = [name for name in network.species if name not in changed]
    return [
        Derivative(Name(name, span=lines[name].span), 1, whole(0, None), span=lines[name].span)
        for name in idle
    ]


def _numbered(network: Network, side: str, line: Line) -> Counter[str]:
    counts: Counter[str] = Counter()
    for word in side.split(","):
        index = int(word) if word.isdigit() else -1
        if not 0 <= index <= len(network.species):
            network.refuse(f"there is no species of number `{word}`", line)
        elif index:
            counts[network.species[index - 1]] += 1
    return counts


def _terms(counts: Counter[str], line: Line) -> tuple[Term, ...]:
    return tuple(Term(n, Name(name, span=line.span), span=line.span) for name, n in counts.items() if n)


def _per_combination(rate: Expr, taken: Counter[str]) -> Expr:
    """The rate constant whose mass action divides by n! what the file's does not."""
    factor = math.prod(math.factorial(count) for count in taken.values())
    if factor == 1:
        return rate
    return Product((("*", whole(factor, rate.span)), ("*", rate)), span=rate.span)
