"""One line for the solves of a machine that compile, and so take seconds."""

from __future__ import annotations

import logging
import sys


class _Once(logging.Handler):
    """Says on standard error, once a process, that the engine is being compiled."""

    told = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self.told:
            self.told = True
            print("symde: compiling the engine for this machine (once, ten seconds or more)", file=sys.stderr)


def tell_about_compilation() -> None:
    """From now on, say in one line on standard error when the engine is compiled."""
    log = logging.getLogger("symde.engine")
    if not any(isinstance(handler, _Once) for handler in log.handlers):
        log.addHandler(_Once())
        log.setLevel(logging.INFO)
        log.propagate = False
