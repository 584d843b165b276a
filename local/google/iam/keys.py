"""RSA keys for service accounts, in Google's JSON key file format.

Source: https://cloud.google.com/iam/docs/keys-create-delete
"""

from __future__ import annotations

import base64
import datetime
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from local.google.state import AccountRecord

KEY_BITS = 2048
# What Google's own keys say: the end of the year 9999.
NO_EXPIRY = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class NewKey:
    """A fresh key: its id, its certificate (PEM, public), and its private key (PEM), which is not kept."""

    key_id: str
    certificate: str
    private_key: str


def generate(account: AccountRecord) -> NewKey:
    """Make a key. Takes a tenth of a second of one core."""
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, account.unique_id)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime.now(datetime.UTC))
        .not_valid_after(NO_EXPIRY)
        .sign(private_key, hashes.SHA256())
    )
    pem = private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return NewKey(
        secrets.token_hex(20), certificate.public_bytes(serialization.Encoding.PEM).decode(), pem.decode()
    )


def credentials_file(key: NewKey, account: AccountRecord, project_id: str, base_url: str) -> bytes:
    """Give the JSON key file. Its ``token_uri`` is this gateway."""
    document = {
        "type": "service_account",
        "project_id": project_id,
        "private_key_id": key.key_id,
        "private_key": key.private_key,
        "client_email": account.email,
        "client_id": account.unique_id,
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": f"{base_url}/token",
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": f"{base_url}/robot/v1/metadata/x509/{quote(account.email, safe='')}",
        "universe_domain": "googleapis.com",
    }
    return json.dumps(document, indent=2).encode() + b"\n"


def public_key_data(certificate: str, public_key_type: str) -> str:
    """Give base64 of the public key in the type asked for; "" for TYPE_NONE."""
    if public_key_type == "TYPE_X509_PEM_FILE":
        return base64.b64encode(certificate.encode()).decode()
    if public_key_type == "TYPE_RAW_PUBLIC_KEY":
        loaded = x509.load_pem_x509_certificate(certificate.encode()).public_key()
        pem = loaded.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(pem).decode()
    return ""
