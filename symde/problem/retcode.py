"""Why a solve ended: a value with a sentence and a remedy."""

from __future__ import annotations

from enum import Enum


class Retcode(Enum):
    """How a solve ended. `str()` gives the word, `.sentence` what happened, `.remedy` what to try;
    `.success` tells whether the solution covers what was asked for."""

    SUCCESS = ("success", "the solve reached the end of its span", "")
    STOPPED = ("stopped", "the callback asked the solve to stop", "")
    TERMINATED = ("terminated", "an event ended the solve", "")
    MAX_STEPS = (
        "max_steps",
        "the limit on the number of steps was reached",
        "raise max_steps, loosen rtol and atol, or try a stiff method such as 'Rodas5P'",
    )
    STEP_TOO_SMALL = (
        "dt_underflow",
        "the step size fell below the resolution of the time",
        "the solution probably grows without bound there: end the span before that time, or check the "
        "signs and units of the equation named above",
    )
    NON_FINITE = (
        "non_finite",
        "the right-hand side is not finite",
        "keep the argument inside its domain (bounds on parameters and initial values), "
        "or end the span earlier",
    )
    STIFF = (
        "stiff",
        "the problem looks stiff: stability, not accuracy, holds the step size down, "
        "and the span cannot be covered",
        "use a stiff method such as 'Rodas5P', or give no method and let symde choose",
    )
    SINGULAR = (
        "singular",
        "the linear systems of the method are singular however small the step",
        "check the equations named above for a division by zero in their derivatives",
    )
    DIVERGED = (
        "diverged",
        "the iteration of an implicit step did not converge at the step size given",
        "give a smaller dt0",
    )
    CHATTERING = (
        "chattering",
        "events follow each other without end at one time",
        "leave a gap between their conditions (hysteresis)",
    )
    ZENO = (
        "zeno",
        "the times of events accumulate, so that there is no next one",
        "end the solve there, or set what moves to rest once it moves less than matters",
    )
    INCONSISTENT = (
        "inconsistent",
        "no values of the algebraic variables that solve their equations were found",
        "give algebraic variables initial values, which are guesses, nearer to a solution",
    )
    UNDECIDED = (
        "undecided",
        "switches meet there, and the equations do not say how the solution goes on",
        "let the switches be smooth (`tanh(x/w)` for `sign(x)`), or give them gaps (two events, with "
        "hysteresis)",
    )
    BAD_RATE = (
        "bad_rate",
        "the rate of a reaction is negative or not finite, or it takes what is not there",
        "check its law for all populations that are reached",
    )
    INTERRUPTED = ("interrupted", "the solve was interrupted", "")

    def __init__(self, word: str, sentence: str, remedy: str) -> None:
        self.word = word
        self.sentence = sentence
        self.remedy = remedy
        self.success = word in ("success", "stopped", "terminated")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}.{self.name}>"

    def __str__(self) -> str:
        return self.word
