"""HTTP to servers on this machine: past every proxy, and without reading certificates that none of them has.

To read the usual ones takes 50 ms of processor time for each client, more than most of what it is made for.
"""

from __future__ import annotations

import ssl

# It trusts nobody: an address with https is refused, not believed.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
