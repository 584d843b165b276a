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

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "local Google endpoints")])
    authority = (
        _builder(authority_name, authority_name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SERVED)])
    certificate = (
        _builder(name, authority_name, key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(SERVED)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
        .add_extension(_usage(signs_certificates=False), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    trusted, own = directory / "ca.pem", directory / "server.pem"
    trusted.write_bytes(authority.public_bytes(pem))
    write_secret(own, (private + certificate.public_bytes(pem)).decode())
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


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


if __name__ == "__main__":
    sys.exit(main())
