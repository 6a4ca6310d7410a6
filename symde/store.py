"""The folder that keeps between processes what takes time to make: object code, the tables of the parser.

Loading such a thing runs it, so a file counts only where it and its folder belong to this user and nobody
else may write them. Everything that goes wrong here costs a compilation and at most one warning a process.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
import time
import warnings
from pathlib import Path

SIZE_LIMIT = 500_000_000
"""Bytes the folder may hold; the files used longest ago go first."""

_DIGEST = hashlib.sha256().digest_size
_SUFFIX = ".o"
_TOUCH_AFTER = 86_400.0  # seconds: the time of last use is kept to the day, so that reading rarely writes
_told: set[str] = set()
_prune_pending = True


def folder() -> Path | None:
    """The cache folder: `SYMDE_CACHE_DIR`, else the user's by the platform's custom; None without a home."""
    if chosen := os.environ.get("SYMDE_CACHE_DIR"):
        return Path(chosen)
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "symde" / "cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "symde"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "symde"


def read(name: str) -> bytes | None:
    """The data stored under a name; None where there is none, or none that may be trusted."""
    place = folder()
    if place is None or not _trusted_folder(place):
        return None
    path = place / (name + _SUFFIX)
    try:
        # A link could lead to a file that another user swaps after the check.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not _ours(status):
            _warn(f"symde does not use {path}: it belongs to another user, or others may write it")
            return None
        content = file.read()
    digest, data = content[:_DIGEST], content[_DIGEST:]
    if hashlib.sha256(data).digest() != digest:
        return None
    _touch(path, status.st_mtime)
    return data


def write(name: str, data: bytes) -> None:
    """Stores data under a name; readers see all of it or nothing. Where it cannot, it warns once."""
    place = folder()
    if place is None:
        return
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _trusted_folder(place):
            return
        _write_whole(place / (name + _SUFFIX), hashlib.sha256(data).digest() + data)
    except OSError as error:
        reason = error.strerror or error
        _warn(f"symde keeps compiled code in memory only: {place} cannot be written ({reason})")
        return
    _prune_once(place)


def prune(place: Path, limit: int) -> None:
    """Removes the objects used longest ago until the folder holds at most `limit` bytes."""
    files = []
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.name.endswith(_SUFFIX):
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue  # another process removed it
                files.append((status.st_mtime, status.st_size, entry.path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= limit:
            return
        try:
            os.unlink(path)
        except OSError:
            continue  # another process was first, or (Windows) reads it
        total -= size


def _write_whole(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise


def _prune_once(place: Path) -> None:
    global _prune_pending
    if _prune_pending:
        _prune_pending = False
        try:
            prune(place, SIZE_LIMIT)
        except OSError:
            pass  # too large a cache harms nobody


def _touch(path: Path, last_use: float) -> None:
    if time.time() - last_use > _TOUCH_AFTER:
        try:
            os.utime(path)
        except OSError:
            pass  # a read-only cache is as good


def _trusted_folder(place: Path) -> bool:
    try:
        status = place.stat()
    except OSError:
        return False
    if not _ours(status):
        _warn(f"symde does not use the cache {place}: it belongs to another user, or others may write it")
        return False
    return True


def _ours(status: os.stat_result) -> bool:
    if not hasattr(os, "getuid"):
        return True  # Windows: the folder lies in the user's profile, whose access list is the user's
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _warn(message: str) -> None:
    if message not in _told:
        _told.add(message)
        warnings.warn(message, RuntimeWarning, stacklevel=4)
