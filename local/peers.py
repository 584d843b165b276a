"""Whether the other end of a TCP connection on this machine is another user's, as Linux tells it.

Source: https://man7.org/linux/man-pages/man7/sock_diag.7.html
"""

from __future__ import annotations

import os
import socket
import struct
import sys

Address = tuple[str, int]

_SOCK_DIAG = 4  # NETLINK_SOCK_DIAG
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
_REQUEST = 1  # NLM_F_REQUEST
_ERROR = 2  # NLMSG_ERROR
_HEADER = struct.Struct("=IHHII")
_ESTABLISHED = 1
_ANY = 0xFFFFFFFF
ROOT = 0


def is_stranger(client: Address | None, server: Address | None) -> bool:
    """Tell whether the client's end of a connection belongs to another user.

    Root is none: it may do anything here, and what forwards ports into a virtual machine is root. Where the
    kernel can't tell (macOS, no `inet_diag`), nobody is.
    """
    if client is None or server is None or client[0] != server[0]:
        return True
    if not sys.platform.startswith("linux"):
        return False
    try:
        found = _socket(client, server)
        if found is None:
            # The client has gone, or the kernel knows no connections: then not our own end either.
            return _socket(server, client) is not None
    except OSError:
        return False
    state, uid = found
    # A closed socket belongs to nobody, which looks like root.
    return state != _ESTABLISHED or uid not in (os.getuid(), ROOT)


def _socket(own: Address, other: Address) -> tuple[int, int] | None:
    """Give (state, uid) of the TCP socket between two addresses; None where there is none."""
    ports = struct.pack("!HH", own[1], other[1])
    addresses = socket.inet_aton(own[0]).ljust(16, b"\0") + socket.inet_aton(other[0]).ljust(16, b"\0")
    asked = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _ANY)
    asked += ports + addresses + struct.pack("=III", 0, _ANY, _ANY)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as kernel:
        kernel.send(_HEADER.pack(_HEADER.size + len(asked), _BY_FAMILY, _REQUEST, 1, 0) + asked)
        answer = kernel.recv(4096)
    if _HEADER.unpack_from(answer)[1] == _ERROR:
        return None
    # struct inet_diag_msg: family, state, timer, retrans; 48 bytes of addresses; three numbers; uid.
    state = answer[_HEADER.size + 1]
    (uid,) = struct.unpack_from("=I", answer, _HEADER.size + 4 + 48 + 12)
    return state, uid
