"""Checksums of contents: MD5 (the ETag) and CRC-64/ECMA-182 (what oss2 verifies).

Source of the CRC's parameters: oss2 2.19.1, ``oss2/utils.py`` (class ``Crc64``).
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

import crcmod  # type: ignore[import-untyped]  # it has no annotations

_POLYNOMIAL = 0x142F0E1EBA9EA3693
_REVERSED = 0xC96C5795D7870F42
_ALL_ONES = 0xFFFFFFFFFFFFFFFF
_BITS = 64

Matrix = tuple[int, ...]


class Checksums:
    """MD5 and CRC-64 of a stream of bytes."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._crc = crcmod.Crc(_POLYNOMIAL, initCrc=0, rev=True, xorOut=_ALL_ONES)
        self.size = 0

    def update(self, data: bytes) -> None:
        """Add the next bytes."""
        self._md5.update(data)
        self._crc.update(data)
        self.size += len(data)

    @property
    def md5(self) -> bytes:
        """The MD5 so far, 16 bytes."""
        return self._md5.digest()

    @property
    def crc64(self) -> int:
        """The CRC-64 so far."""
        return int(self._crc.crcValue)


def base64_md5(digest: bytes) -> str:
    """Return an MD5 in the form of ``Content-MD5``."""
    return base64.b64encode(digest).decode("ascii")


def combine_crc64(first: int, second: int, second_size: int) -> int:
    """Return the CRC-64 of two concatenated contents.

    Args:
        first: The CRC-64 of the first content.
        second: The CRC-64 of the second content.
        second_size: Bytes in the second content.

    Source: zlib's ``crc32_combine``, for 64 bits: appending n zero bytes is a linear map over
    GF(2), stored here as a 64x64 bit matrix.
    """
    return _times(_zero_bytes(second_size), first) ^ second


def _times(matrix: Matrix, vector: int) -> int:
    result = 0
    index = 0
    while vector:
        if vector & 1:
            result ^= matrix[index]
        vector >>= 1
        index += 1
    return result


def _product(left: Matrix, right: Matrix) -> Matrix:
    return tuple(_times(left, column) for column in right)


@lru_cache(maxsize=64)
def _zero_bytes(count: int) -> Matrix:
    power: Matrix = (_REVERSED, *(1 << bit for bit in range(_BITS - 1)))
    for _ in range(3):
        power = _product(power, power)
    result: Matrix = tuple(1 << bit for bit in range(_BITS))
    while count:
        if count & 1:
            result = _product(power, result)
        count >>= 1
        if count:
            power = _product(power, power)
    return result
