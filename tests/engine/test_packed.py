"""The engine as IR beside its sources: made of the same sources it gives the same object code."""

import zipfile

from symde.engine.cpu import build, packed
from symde.engine.cpu.library import text_hash

MODULE, ENTRY = "explicit", "interpolate"


def test_a_packed_entry_is_what_numba_gives(tmp_path):
    pack = tmp_path / "pack.zip"
    assert packed.write(pack, only=frozenset({MODULE})) == 2
    ir = packed.read(MODULE, ENTRY, text_hash(MODULE), pack)
    assert ir is not None
    assert f"@{ENTRY}(" in ir
    assert "target triple" not in ir
    assert build.object_code(ir) == build.object_code(build.entry_ir(MODULE, ENTRY))


def test_entries_of_other_sources_and_broken_packs_are_left_alone(tmp_path, caplog):
    pack = tmp_path / "pack.zip"
    assert packed.read(MODULE, ENTRY, "0" * 64, pack) is None
    with zipfile.ZipFile(pack, "w") as archive:
        archive.writestr("something", "else")
    assert packed.read(MODULE, ENTRY, "0" * 64, pack) is None
    pack.write_bytes(b"not a pack")
    assert packed.read(MODULE, ENTRY, "0" * 64, pack) is None
    assert "translated anew" in caplog.text
