"""Bits of an INT64, SHA512, and addresses of the internet, which are BYTES.

Sources: https://cloud.google.com/bigquery/docs/reference/standard-sql/net_functions and operators
"""

from __future__ import annotations

import hashlib
import ipaddress
from typing import TYPE_CHECKING, Any

from bqemulator.domain.errors import UnsupportedFeatureError
from sqlglot import exp

from local.emulator.functions.macros import MistakeError, call, macro

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb


def _address(text: str) -> bytes:
    try:
        return ipaddress.ip_address(text).packed
    except ValueError as error:
        raise MistakeError(f"NET.IP_FROM_STRING() encountered an unparseable IP-address: {text}") from error


def _address_or_none(text: str | None) -> bytes | None:
    try:
        return None if text is None else _address(text)
    except MistakeError:
        return None


def _address_text(octets: bytes) -> str:
    _require_length("NET.IP_TO_STRING", octets)
    return str(ipaddress.ip_address(octets))


def _mask(length: int, bits: int) -> bytes:
    if length not in (4, 16):
        raise MistakeError(f"The first argument in NET.IP_NET_MASK() must be either 4 or 16; got {length}")
    if not 0 <= bits <= 8 * length:
        raise MistakeError(f"The second argument in NET.IP_NET_MASK() must be between 0 and {8 * length}")
    return ((1 << 8 * length) - (1 << (8 * length - bits))).to_bytes(length, "big")


def _truncated(octets: bytes, bits: int) -> bytes:
    _require_length("NET.IP_TRUNC", octets)
    return bytes(octet & mask for octet, mask in zip(octets, _mask(len(octets), bits), strict=True))


def _address_of_number(number: int) -> bytes:
    if not -(2**31) <= number < 2**32:
        raise MistakeError(f"NET.IPV4_FROM_INT64() encountered a number that is no IPv4 address: {number}")
    return (number % 2**32).to_bytes(4, "big")


def _number_of_address(octets: bytes) -> int:
    if len(octets) != 4:
        raise MistakeError("NET.IPV4_TO_INT64() encountered an address that is not of 4 bytes")
    return int.from_bytes(octets, "big")


def _require_length(name: str, octets: bytes) -> None:
    if len(octets) not in (4, 16):
        raise MistakeError(f"{name}() encountered an address that is not of 4 or 16 bytes")


_NET: dict[str, tuple[Callable[..., Any], list[str], str]] = {
    "ip_from_string": (_address, ["VARCHAR"], "BLOB"),
    "ip_to_string": (_address_text, ["BLOB"], "VARCHAR"),
    "ip_net_mask": (_mask, ["BIGINT", "BIGINT"], "BLOB"),
    "ip_trunc": (_truncated, ["BLOB", "BIGINT"], "BLOB"),
    "ipv4_from_int64": (_address_of_number, ["BIGINT"], "BLOB"),
    "ipv4_to_int64": (_number_of_address, ["BLOB"], "BIGINT"),
}


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the functions."""
    for name, (function, given, found) in _NET.items():
        connection.create_function(f"google__{name}", function, given, found)
    # The only one that gives NULL for what is none.
    safe = "google__safe_ip_from_string"
    connection.create_function(safe, _address_or_none, ["VARCHAR"], "BLOB", null_handling="special")
    connection.create_function(
        "google__digest", lambda octets: hashlib.sha512(octets).digest(), ["BLOB"], "BLOB"
    )


def macros() -> list[str]:
    """Write the macros; the engine's own shifts refuse what leaves 64 bits, and keep the sign."""
    lowest, largest = "(-9223372036854775807 - 1)", "9223372036854775807"
    beyond = "WHEN n < 0 THEN error('Bitwise shift by a negative number of bits') WHEN n > 63 THEN 0"
    unable = "CAST(error('the local BigQuery can''t do {} of BYTES; Google can') AS BIGINT)"
    # The bits below the one that becomes the sign, and then that one.
    kept = f"(x & ({largest} >> CAST(n AS INTEGER))) << CAST(n AS INTEGER)"
    sign = f"CASE WHEN (x >> CAST(63 - n AS INTEGER)) & 1 = 1 THEN {lowest} ELSE 0 END"
    right = f"(x >> CAST(n AS INTEGER)) & ({largest} >> CAST(n - 1 AS INTEGER))"
    return [
        macro("google__sha512", {"x VARCHAR": "google__digest(encode(x))", "x BLOB": "google__digest(x)"}),
        macro(
            "google__bit_count",
            {"x BIGINT": "CAST(bit_count(x) AS BIGINT)", "x BLOB": unable.format("BIT_COUNT")},
        ),
        macro(
            "google__shift_left",
            {
                "x BIGINT, n": f"CASE {beyond} WHEN n = 0 THEN x ELSE ({kept}) + {sign} END",
                "x BLOB, n": unable.format("<<"),
            },
        ),
        macro(
            "google__shift_right",
            {
                "x BIGINT, n": f"CASE {beyond} WHEN n = 0 THEN x ELSE {right} END",
                "x BLOB, n": unable.format(">>"),
            },
        ),
    ]


def _net(node: exp.NetFunc) -> exp.Expression:
    function = node.this
    if isinstance(function, exp.Host):
        return call("google__host", function.this)
    if isinstance(function, exp.Anonymous) and function.name.lower() in {*_NET, "safe_ip_from_string"}:
        return call(f"google__{function.name.lower()}", *function.expressions)
    raise UnsupportedFeatureError(f"the local BigQuery can't do {node.sql(dialect='bigquery')}; Google can")


def _digest(node: exp.SHA2Digest) -> exp.Expression | None:
    """Each of its lengths is SHA256 for sqlglot's DuckDB, and bqemulator 1.4.0 looks for an older node."""
    length = node.args.get("length")
    return call("google__sha512", node.this) if length is not None and length.name == "512" else None


def _shifted(name: str) -> Callable[[Any], exp.Expression]:
    return lambda node: call(name, node.this, node.expression)


RULES: dict[type[exp.Expr], Callable[[Any], exp.Expression | None]] = {
    exp.NetFunc: _net,
    exp.SHA2Digest: _digest,
    exp.BitwiseCount: lambda node: call("google__bit_count", node.this),
    exp.BitwiseLeftShift: _shifted("google__shift_left"),
    exp.BitwiseRightShift: _shifted("google__shift_right"),
}
