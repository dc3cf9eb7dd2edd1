"""A backup's outer form: every kind of damage is found, and only the right key opens it."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from apps.tenants.services.backup import entries, keys
from apps.tenants.services.backup.entries import Packer, Unpacker
from apps.tenants.services.backup.envelope import CHUNK, EnvelopeReader, EnvelopeWriter, key_id_of
from apps.tenants.services.backup.errors import Damaged, WrongKey

KEY, OTHER = "a long random text " * 3, "another long random text " * 3
# What compresses badly, so that there are several chunks.
NOISE = b"".join(bytes([(i * i * 2654435761 >> 7) & 255]) for i in range(CHUNK * 3 + 77))


def sealed(secret: str = "", data: bytes = NOISE) -> bytes:
    out = io.BytesIO()
    writer = EnvelopeWriter(out, secret)
    for start in range(0, len(data), 100_000):
        writer.write(data[start : start + 100_000])
    writer.finish()
    return out.getvalue()


def opened(raw: bytes, *secrets: str) -> bytes:
    reader = EnvelopeReader(io.BytesIO(raw), {key_id_of(each): each for each in secrets})
    data = reader.read()
    reader.check_end()
    return data


def chunks(raw: bytes) -> tuple[bytes, list[bytes]]:
    """The header, and each chunk with its length in front."""
    at = len(b"HOMEROOM-BACKUP\n")
    at += 4 + int.from_bytes(raw[at : at + 4], "big")
    head, found = raw[:at], []
    while at < len(raw):
        length = int.from_bytes(raw[at : at + 4], "big") & ~(1 << 31)
        found.append(raw[at : at + 4 + length])
        at += 4 + length
    return head, found


@pytest.mark.parametrize("secret", ["", KEY])
@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_what_goes_in_comes_out(secret: str, size: int) -> None:
    assert opened(sealed(secret, NOISE[:size]), KEY) == NOISE[:size]


def cut(raw: bytes) -> bytes:
    return raw[:-1]


def without_the_last(raw: bytes) -> bytes:
    head, parts = chunks(raw)
    return head + b"".join(parts[:-1])


def last_declared_earlier(raw: bytes) -> bytes:
    head, parts = chunks(raw)
    first = bytes([parts[0][0] | 128]) + parts[0][1:]
    return head + first


def swapped(raw: bytes) -> bytes:
    head, parts = chunks(raw)
    parts[0], parts[1] = parts[1], parts[0]
    return head + b"".join(parts)


def one_left_out(raw: bytes) -> bytes:
    head, parts = chunks(raw)
    return head + b"".join(parts[:1] + parts[2:])


def one_twice(raw: bytes) -> bytes:
    head, parts = chunks(raw)
    return head + b"".join([parts[0], *parts])


def flipped(raw: bytes) -> bytes:
    middle = len(raw) // 2
    return raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :]


def longer(raw: bytes) -> bytes:
    return raw + b"\0"


def other_header(raw: bytes) -> bytes:
    return raw.replace(b'"format": 1', b'"format":1 ')


def empty(_raw: bytes) -> bytes:
    return b""


def no_backup(raw: bytes) -> bytes:
    return b"PK" + raw[2:]


DAMAGES = [
    cut,
    without_the_last,
    last_declared_earlier,
    swapped,
    one_left_out,
    one_twice,
    flipped,
    longer,
    other_header,
    empty,
    no_backup,
]


@pytest.mark.parametrize("secret", ["", KEY], ids=["plain", "encrypted"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found(damage: Callable[[bytes], bytes], secret: str) -> None:
    with pytest.raises(Damaged):
        opened(damage(sealed(secret)), KEY)


def test_every_byte_counts() -> None:
    # Given a small encrypted file, when any one of its bytes changes, then it is not accepted.
    raw = sealed(KEY, b"Ada Lovelace owes 12.00")
    for place in range(len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 16]) + raw[place + 1 :]
        with pytest.raises((Damaged, WrongKey)):
            opened(changed, KEY)


def test_encrypted_shows_nothing() -> None:
    raw = sealed(KEY, b"Ada Lovelace owes 12.00")
    assert b"Ada" not in raw
    assert KEY.encode() not in raw


def test_same_content_never_looks_the_same() -> None:
    assert chunks(sealed(KEY))[1] != chunks(sealed(KEY))[1]


def test_a_missing_key_is_named_not_shown() -> None:
    with pytest.raises(WrongKey, match=key_id_of(KEY)):
        opened(sealed(KEY), OTHER)


def test_older_keys_still_open(settings: Any) -> None:
    # Given two keys, newest first, then new backups use the first and old ones still open.
    settings.BACKUP_ENCRYPTION_KEY = f"{OTHER}, {KEY}"
    assert keys.newest() == OTHER.strip()
    reader = EnvelopeReader(io.BytesIO(sealed(KEY.strip())), keys.secrets())
    assert reader.read() == NOISE


def packed(secret: str = "") -> io.BytesIO:
    out = io.BytesIO()
    packer = Packer(out, secret)
    packer.document({"kind": "head"})
    with packer.entry({"kind": "table", "name": "students"}) as written:
        for _turn in range(20):
            written.write(NOISE[:100_000])
    packer.document({"kind": "tail"})
    packer.finish()
    out.seek(0)
    return out


def test_entries_come_back_in_order() -> None:
    found = [(e.kind, sum(map(len, e.blocks))) for e in Unpacker(packed(), {})]
    assert found == [("head", 0), ("table", 2_000_000), ("tail", 0)]


def test_what_is_not_read_is_passed_over() -> None:
    assert [e.kind for e in Unpacker(packed(), {})] == ["head", "table", "tail"]


def test_a_file_without_a_tail_is_damaged() -> None:
    out = io.BytesIO()
    packer = Packer(out)
    packer.document({"kind": "head"})
    packer.finish()
    out.seek(0)
    with pytest.raises(Damaged):
        list(Unpacker(out, {}))


def test_memory_does_not_grow_with_the_school(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given 60 MB of rows, when they are packed, then a few MB of memory do.
    class Sink(io.RawIOBase):
        def write(self, data: Any) -> int:
            return len(data)

    monkeypatch.setattr(entries, "LEVEL", 1)
    packer = Packer(Sink(), KEY)  # type: ignore[arg-type]
    tracemalloc.start()
    with packer.entry({"kind": "table"}) as written:
        for _turn in range(600):
            written.write(NOISE[:100_000])
    packer.finish()
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12_000_000
