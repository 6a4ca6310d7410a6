"""What several files of the repository say, they say alike."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import symde

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_version_is_one():
    assert symde.__version__ == PROJECT["version"]
    assert f"## {symde.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_installed_compilers_are_those_the_project_allows():
    bounds = dict(re.match(r"(\w+)(.*)", line).groups() for line in PROJECT["dependencies"])
    for name in ("numba", "llvmlite"):
        low, high = re.findall(r"[\d.]+", bounds[name])
        version = tuple(int(part) for part in metadata.version(name).split(".")[:2])
        assert tuple(map(int, low.split("."))) <= version < tuple(map(int, high.split(".")))


@pytest.mark.parametrize("name", ["README.md", "Makefile", "pyproject.toml", ".ci/run"])
def test_no_file_names_a_host_of_packages(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"index-url|find-links|https?://(?!keepachangelog|semver)", text)


def test_continuous_integration_runs_the_command_of_the_readme():
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"^make test ", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)


def test_every_public_name_is_there_and_documented():
    for name in dir(symde):
        value = getattr(symde, name)
        assert name == "__version__" or value.__doc__, name
