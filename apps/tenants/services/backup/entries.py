"""The inside of a backup: entries in order, each a JSON line of what it is and blocks of bytes.

    head     the school, the migrations it had, where and when it was taken
    table    name and columns; the rows as PostgreSQL's COPY text
    file     name of a media file; its bytes
    tail     what all of them must add up to

All of it is one zstd stream inside the envelope. Everything is written and read once, from front
to back, a block at a time: the memory it takes does not depend on the school.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, BinaryIO, cast

import zstandard
from django.utils.translation import gettext as _

from apps.tenants.services.backup.envelope import EnvelopeReader, EnvelopeWriter
from apps.tenants.services.backup.errors import Damaged

BLOCK = 256 * 1024
_MAX_BLOCK = 64 << 20
# Level 3 keeps up with PostgreSQL on one core; 9 makes files a tenth smaller at a third the speed.
LEVEL = 3
_LENGTH = struct.Struct(">I")


@dataclass
class Written:
    """One entry while it is written: what goes by is counted and summed."""

    put: Any
    size: int = 0
    digest: Any = field(default_factory=sha256)
    _waiting: bytearray = field(default_factory=bytearray)

    def write(self, data: Any) -> None:
        self.size += len(data)
        self._waiting += data
        if len(self._waiting) >= BLOCK:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            block = bytes(self._waiting)
            self.digest.update(block)
            self.put(block)
            self._waiting.clear()


class Packer:
    """Writes entries. Leaving the block with an error leaves a file that nobody will accept."""

    def __init__(self, out: BinaryIO, secret: str = "") -> None:
        self._envelope = EnvelopeWriter(out, secret)
        compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True, threads=1)
        self._stream = compressor.stream_writer(cast(BinaryIO, self._envelope), closefd=False)

    @contextmanager
    def entry(self, header: Mapping[str, Any]) -> Iterator[Written]:
        self._block(json.dumps(header).encode())
        written = Written(self._block)
        yield written
        written.flush()
        self._stream.write(_LENGTH.pack(0))

    def document(self, header: Mapping[str, Any]) -> None:
        """An entry that is nothing but its header."""
        with self.entry(header):
            pass

    def finish(self) -> None:
        self._stream.flush(zstandard.FLUSH_FRAME)
        self._envelope.finish()

    def _block(self, data: bytes) -> None:
        self._stream.write(_LENGTH.pack(len(data)))
        self._stream.write(data)


@dataclass
class Entry:
    """One entry while it is read. What is not read is passed over."""

    header: dict[str, Any]
    blocks: Iterator[bytes]

    @property
    def kind(self) -> str:
        return str(self.header.get("kind"))


class Unpacker:
    """Reads entries. Raises Damaged at the first thing that is not as it was written."""

    def __init__(self, source: BinaryIO, secrets: Mapping[str, str]) -> None:
        self._envelope = EnvelopeReader(source, secrets)
        reader = zstandard.ZstdDecompressor().stream_reader(
            cast(BinaryIO, self._envelope), closefd=False
        )
        self._stream = io.BufferedReader(reader, BLOCK)  # type: ignore[type-var]
        self.encrypted = bool(self._envelope.header["encrypted"])

    def __iter__(self) -> Iterator[Entry]:
        """All entries; ends after the tail, and only if the file ends there too."""
        while True:
            entry = self._entry()
            yield entry
            for _rest in entry.blocks:
                pass
            if entry.kind == "tail":
                break
        if self._read(1):
            raise Damaged(_("something follows its end"))
        self._envelope.check_end()

    def _entry(self) -> Entry:
        try:
            header = json.loads(next(self._blocks()))
        except (ValueError, StopIteration) as error:
            raise Damaged(_("an entry has no name")) from error
        return Entry(header, self._blocks())

    def _blocks(self) -> Iterator[bytes]:
        while size := self._size():
            if size > _MAX_BLOCK:
                raise Damaged(_("an entry makes no sense"))
            block = self._read(size)
            if len(block) < size:
                raise Damaged(_("it is cut off"))
            yield block

    def _size(self) -> int:
        raw = self._read(_LENGTH.size)
        if len(raw) < _LENGTH.size:
            raise Damaged(_("it is cut off"))
        return int(_LENGTH.unpack(raw)[0])

    def _read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except zstandard.ZstdError as error:
            raise Damaged(_("it cannot be decompressed")) from error
