"""`python -m local.google.sign_in.tls_front`: the gateway under its real name, https://iamcredentials.googleapis.com.

dbt-bigquery's `impersonate_service_account` leaves no choice of the endpoint: google-auth asks just that
address. What it does heed is the usual `HTTPS_PROXY` and `REQUESTS_CA_BUNDLE`. This is such a proxy, for that
one host: it ends the TLS with a certificate of its own authority and hands the bytes to the gateway. Nothing
else passes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import shlex
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit

import trustme

from local.secret_file import write_secret

HOST = "127.0.0.1"
SERVED = "iamcredentials.googleapis.com"
_DAYS = 30
_MAX_HEAD = 16_384
_CHUNK = 65_536


def make_certificate(directory: Path) -> tuple[Path, Path]:
    """Make an authority and a certificate of its for the host; give the paths of the authority and of both.

    The authority's private key is not kept, so that it can vouch for nothing else.
    """
    directory.mkdir(parents=True, exist_ok=True)
    expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=_DAYS)
    authority = trustme.CA()
    certificate = authority.issue_cert(SERVED, not_after=expires)
    trusted, own = directory / "ca.pem", directory / "server.pem"
    authority.cert_pem.write_to_path(trusted)
    write_secret(own, certificate.private_key_and_cert_chain_pem.bytes().decode())
    return trusted, own


class Front:
    """The proxy. ``gateway`` is the address of the Google endpoints."""

    def __init__(self, gateway: str, certificate: Path) -> None:
        parts = urlsplit(gateway)
        self._gateway = (parts.hostname or HOST, parts.port or 80)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection: a CONNECT to the host, then TLS, then bytes to and fro."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await self._tunnel(reader, writer)
        writer.close()

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(f"CONNECT {SERVED}:443 ".encode()):
            writer.write(f"HTTP/1.1 403 Only CONNECT {SERVED}:443 is served here\r\n\r\n".encode())
            await writer.drain()
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        await writer.start_tls(self._tls)
        there, back = await asyncio.open_connection(*self._gateway)
        copies = [asyncio.create_task(_copy(reader, back)), asyncio.create_task(_copy(there, writer))]
        await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
        for copy in copies:
            copy.cancel()
        await asyncio.gather(*copies, return_exceptions=True)
        back.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()


async def run(gateway: str, directory: Path, port: int) -> None:
    """Serve until cancelled. Prints the variables that lead google-auth here, once it listens."""
    trusted, own = make_certificate(directory)
    server = await asyncio.start_server(Front(gateway, own).serve, HOST, port, limit=_MAX_HEAD)
    port = server.sockets[0].getsockname()[1]
    print(f"export HTTPS_PROXY={shlex.quote(f'http://{HOST}:{port}')}")
    print(f"export REQUESTS_CA_BUNDLE={shlex.quote(str(trusted.resolve()))}", flush=True)
    async with server:
        await server.serve_forever()


def main(arguments: list[str] | None = None) -> int:
    """Run until stopped; give 1 where it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m local.google.sign_in.tls_front", description=__doc__)
    parser.add_argument("--google", required=True, metavar="URL", help="where the Google endpoints answer")
    parser.add_argument("--directory", type=Path, required=True, help="where the certificate is put")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; without it, a free one")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(run(options.google, options.directory, options.port))
    except OSError as error:
        print(f"error: cannot listen on {HOST}:{options.port}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
