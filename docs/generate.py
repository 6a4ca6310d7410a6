"""Writes the tables of the documentation from what the code says.

python docs/generate.py            writes them into the pages
python docs/generate.py --check    only says whether they are up to date (exit code 1 if not)
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

PAGES = Path(__file__).parent
_BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def functions() -> str:
    """The built-in functions of the language."""
    from symde.model.functions import BUILT_IN

    rows = [[f"`{one.name}`", one.arity, one.meaning] for one in BUILT_IN.values()]
    return table(["function", "arguments", "meaning"], rows)


def codes() -> str:
    """The error codes of the language."""
    from symde.language.codes import CODES

    return table(["code", "meaning"], [[code, meaning] for code, meaning in CODES.items()])


def methods() -> str:
    """The methods of the registry."""
    from symde.cli.methods import HEADER, rows

    return table(HEADER, [[f"`{name}`", *rest] for name, *rest in rows()])


def foreign() -> str:
    """The names of other programs, by the method that does their work here."""
    from symde.engine.methods.registry import FOREIGN

    rows = [
        [f"`{here}`", ", ".join(f"`{name}`" for name, one in FOREIGN.items() if one == here)]
        for here in dict.fromkeys(FOREIGN.values())
    ]
    return table(["method", "elsewhere"], rows)


def jumps() -> str:
    """The methods for jump processes."""
    from symde.engine.jumps.registry import methods as jump_methods

    rows = [[f"`{one.name}`", one.when_to_use, one.citation] for one in jump_methods()]
    return table(["method", "for", "to cite"], rows)


def examples() -> str:
    """The programs among the examples, by the first paragraph of what they say of themselves."""
    rows = []
    for program in sorted((PAGES.parent / "examples").glob("*.py")):
        words = ast.get_docstring(ast.parse(program.read_text(encoding="utf-8"))) or ""
        rows.append([f"`{program.name}`", " ".join(words.split("\n\n")[0].split())])
    return table(["program", "what it shows"], rows)


def table(header: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


TABLES = {
    "codes": codes, "examples": examples, "foreign": foreign, "functions": functions, "jumps": jumps,
    "methods": methods,
}  # fmt: skip


def generated(text: str) -> str:
    """A page with its tables written anew."""
    return _BLOCK.sub(lambda match: f"{match[1]}\n{TABLES[match[2]]()}\n{match[3]}", text)


def main(arguments: list[str]) -> int:
    """Write or check all pages."""
    stale = []
    for page in sorted(PAGES.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        if generated(text) != text:
            stale.append(page.name)
            if "--check" not in arguments:
                page.write_text(generated(text), encoding="utf-8")
    if "--check" in arguments and stale:
        print(f"not up to date: {', '.join(stale)}; run python docs/generate.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
