"""Where each number of the lanes lies in their blocks: lane k of TIME at place TIME + k."""

from __future__ import annotations

from symde.engine.cpu.lanes_layout import INTEGERS, NUMBERS, WIDTH

_NUMBER = {name: WIDTH * place for place, name in enumerate(NUMBERS)}
_INTEGER = {name: WIDTH * place for place, name in enumerate(INTEGERS)}

# time and steps
TIME, TIME_LOW, TIME_NEW = (_NUMBER[name] for name in ("time", "time_low", "time_new"))
TIME_NEW_LOW, END, DIRECTION = (_NUMBER[name] for name in ("time_new_low", "end", "direction"))
STEP, STEP_NEXT, STEP_MAX, LIMIT = (_NUMBER[name] for name in ("step", "step_next", "step_max", "limit"))

# the error and what follows from it
LOG_OLD, LOG_ERROR, NORM, FACTOR = (_NUMBER[name] for name in ("log_old", "log_error", "norm", "factor"))
REFUSED, STIFFNESS, LEAVING = (_NUMBER[name] for name in ("refused", "stiffness", "leaving"))
BUSY, ACCEPTED, REACHES = (_NUMBER[name] for name in ("busy", "accepted", "reaches"))
TINY_STEP, HITS = (_NUMBER[name] for name in ("tiny_step", "hits"))
STEPS, ATTEMPTS = (_NUMBER[name] for name in ("steps", "attempts"))

# members and what is saved
MEMBER, NEXT_SAVE, SAVE_ROW, INTERPOLANTS = (_INTEGER[name] for name in INTEGERS)
SAVE_TIME = _NUMBER["save_time"]
