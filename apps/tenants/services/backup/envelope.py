"""The outer form of a backup: a header and numbered chunks, of which every one is checked.

    HOMEROOM-BACKUP\n | length | header (JSON) | chunk | chunk | … | last chunk
    chunk: length, whose highest bit marks the last one, and the body

With a key, the body is AES-256-GCM. Each file has a key of its own, derived from a random salt,
so the chunk's number can be the nonce. Number, "this is the last one" and header are all
authenticated: a chunk that is changed, moved, left out or cut off is not accepted. Without a key
each chunk ends with a SHA-256 over itself and all before it, which finds the same damage but
stops nobody who means it.
"""

from __future__ import annotations

import io
import json
import os
import struct
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.utils.translation import gettext as _

from apps.tenants.services.backup.errors import Damaged, WrongKey

MAGIC = b"HOMEROOM-BACKUP\n"
FORMAT = 1
CHUNK = 1 << 20
_LAST = 1 << 31
_MAX_HEADER = 1 << 16
_LENGTH = struct.Struct(">I")


def key_id_of(secret: str) -> str:
    """A short name of a key that tells nothing about it."""
    return sha256(b"homeroom backup key id\0" + secret.encode()).hexdigest()[:12]


class _Sealed:
    """AES-256-GCM with a key of this file's own."""

    overhead = 16

    def __init__(self, secret: str, salt: bytes, header: bytes) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"homeroom backup")
        self._cipher = AESGCM(derived.derive(secret.encode()))
        self._header = sha256(header).digest()

    def close(self, data: bytes, number: int, last: bool) -> bytes:
        return self._cipher.encrypt(_nonce(number, last), data, self._header)

    def open(self, body: bytes, number: int, last: bool) -> bytes:
        try:
            return self._cipher.decrypt(_nonce(number, last), body, self._header)
        except InvalidTag as error:
            raise Damaged(_("part %(number)s was changed") % {"number": number + 1}) from error


class _Summed:
    """A running SHA-256: every chunk vouches for all before it."""

    overhead = 32

    def __init__(self, header: bytes) -> None:
        self._sum = sha256(header).digest()

    def close(self, data: bytes, number: int, last: bool) -> bytes:
        self._sum = sha256(self._sum + _nonce(number, last) + data).digest()
        return data + self._sum

    def open(self, body: bytes, number: int, last: bool) -> bytes:
        data, told = body[: -self.overhead], body[-self.overhead :]
        self._sum = sha256(self._sum + _nonce(number, last) + data).digest()
        if told != self._sum:
            raise Damaged(_("part %(number)s was changed") % {"number": number + 1})
        return data


def _nonce(number: int, last: bool) -> bytes:
    return struct.pack(">QHBB", number, 0, 0, last)


class EnvelopeWriter(io.RawIOBase):
    """Takes bytes, writes chunks to `out`. `finish` marks the last one; without it the file is
    as good as cut off."""

    def __init__(self, out: BinaryIO, secret: str = "") -> None:
        self._out, self._number, self._buffer = out, 0, bytearray()
        salt = os.urandom(32)
        header: dict[str, Any] = {"format": FORMAT, "encrypted": bool(secret)}
        if secret:
            header |= {"cipher": "AES-256-GCM", "key": key_id_of(secret), "salt": salt.hex()}
        raw = json.dumps(header).encode()
        self._seal = _Sealed(secret, salt, raw) if secret else _Summed(raw)
        out.write(MAGIC + _LENGTH.pack(len(raw)) + raw)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._buffer += data
        while len(self._buffer) > CHUNK:
            self._put(bytes(self._buffer[:CHUNK]), last=False)
            del self._buffer[:CHUNK]
        return len(data)

    def finish(self) -> None:
        self._put(bytes(self._buffer), last=True)
        self._buffer.clear()

    def _put(self, data: bytes, last: bool) -> None:
        body = self._seal.close(data, self._number, last)
        self._out.write(_LENGTH.pack(len(body) | (_LAST if last else 0)) + body)
        self._number += 1


class EnvelopeReader(io.RawIOBase):
    """Gives back the bytes, each chunk checked before any of it is handed out.

    Raises Damaged, WrongKey. `secrets` maps key ids to keys.
    """

    def __init__(self, source: BinaryIO, secrets: Mapping[str, str]) -> None:
        self._source, self._number, self._ended = source, 0, False
        self._ready = memoryview(b"")
        if _exactly(source, len(MAGIC), _("it does not begin like one")) != MAGIC:
            raise Damaged(_("it does not begin like one"))
        raw = self._header_bytes()
        self.header = _parsed(raw)
        self._seal = _seal_for(self.header, raw, secrets)

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while not self._ready and not self._ended:
            self._next()
        size = min(len(target), len(self._ready))
        target[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def check_end(self) -> None:
        """Raises Damaged unless the last chunk was read and nothing follows it."""
        while not self._ended:
            self._next()
        if self._source.read(1):
            raise Damaged(_("something follows its end"))

    def _header_bytes(self) -> bytes:
        (length,) = _LENGTH.unpack(_exactly(self._source, 4, _("its header is cut off")))
        if length > _MAX_HEADER:
            raise Damaged(_("its header makes no sense"))
        return _exactly(self._source, length, _("its header is cut off"))

    def _next(self) -> None:
        cut = _("it is cut off after part %(number)s") % {"number": self._number}
        (length,) = _LENGTH.unpack(_exactly(self._source, 4, cut))
        last, length = bool(length & _LAST), length & ~_LAST
        if not self._seal.overhead <= length <= CHUNK + self._seal.overhead:
            raise Damaged(_("part %(number)s was changed") % {"number": self._number + 1})
        body = _exactly(self._source, length, cut)
        self._ready = memoryview(self._seal.open(body, self._number, last))
        self._number += 1
        self._ended = last


def _exactly(source: BinaryIO, size: int, otherwise: str) -> bytes:
    parts, missing = [], size
    while missing:
        part = source.read(missing)
        if not part:
            raise Damaged(otherwise)
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        header: dict[str, Any] = json.loads(raw)
        known = header["format"] == FORMAT and isinstance(header["encrypted"], bool)
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(_("its header makes no sense")) from error
    if not known:
        raise Damaged(_("its format is not known to this version"))
    return header


def _seal_for(header: dict[str, Any], raw: bytes, secrets: Mapping[str, str]) -> _Sealed | _Summed:
    if not header["encrypted"]:
        return _Summed(raw)
    secret = secrets.get(str(header.get("key")))
    if secret is None:
        raise WrongKey(str(header.get("key")))
    try:
        return _Sealed(secret, bytes.fromhex(header["salt"]), raw)
    except (KeyError, ValueError) as error:
        raise Damaged(_("its header makes no sense")) from error
