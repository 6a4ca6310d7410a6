"""Whatever the documentation shows, runs, and prints what the documentation says it prints."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import subprocess
import sys

import pytest

from symde.cli import main
from tests.docs.pages import PAGES, ROOT, as_program, blocks, position_after

WITH_PYTHON = [page for page in PAGES if as_program(page).strip()]
WITH_COMMANDS = [page for page in PAGES if any(block.language == "console" for block in blocks(page))]


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder with the examples in it, where pages write their pictures."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules["matplotlib.pyplot"].close("all") if "matplotlib.pyplot" in sys.modules else None


def test_there_are_pages_to_run():
    assert len(WITH_PYTHON) >= 4 and len(WITH_COMMANDS) >= 2


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_python_of_a_page_runs_and_prints_what_it_shows(page, workplace, capsys):
    program = workplace / f"{page.stem}_page.py"
    program.write_text(as_program(page), encoding="utf-8")
    runpy.run_path(str(program))
    printed, position = capsys.readouterr().out, 0
    for block in blocks(page):
        if block.output:
            position = position_after(block.text, printed, position)
            assert position >= 0, (
                f"{page.name}, line {block.line}: not printed\n{block.text}\n--- but\n{printed}"
            )


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.name)
def test_commands_of_a_page_run_and_print_what_it_shows(page, workplace, capsys):
    for block in (block for block in blocks(page) if block.language == "console"):
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            program, *arguments = shlex.split(command)
            assert program == "symde"
            assert main(arguments) == 0, command
            printed = capsys.readouterr().out
            assert position_after(expected, printed, 0) >= 0, f"{command}\n{expected}\n--- but\n{printed}"


def test_generated_tables_are_up_to_date():
    check = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    result = subprocess.run(check, capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_error_code_is_documented():
    table = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    listed = {int(code) for code in re.findall(r"^\| E(\d{3}) ", table, re.MULTILINE)}
    for first, last in re.findall(r"^\| E(\d{3})-E(\d{3}) ", table, re.MULTILINE):
        listed |= set(range(int(first), int(last) + 1))
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "symde").rglob("*.py")]
    used = {int(code) for source in sources for code in re.findall(r'"E(\d{3})"', source)}
    assert used and not used - listed, f"not in the table: {sorted(used - listed)}"


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
