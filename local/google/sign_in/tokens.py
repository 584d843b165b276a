"""Access tokens: got for an assertion that a service account's key signed, and known again as its bearer.

Source: RFC 7523 and https://developers.google.com/identity/protocols/oauth2/service-account#httprest
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.x509 import load_pem_x509_certificate

from local.google import errors
from local.google.iam.authorize import Caller
from local.google.sign_in import scopes

if TYPE_CHECKING:
    from local.google.state import AccountRecord, KeyRecord, Store

# google-auth names Google's own endpoint as the audience, whatever the key's token_uri says.
GOOGLE_AUDIENCE = "https://oauth2.googleapis.com/token"
LIFETIME = 3600  # seconds, of an access token; also the longest an assertion may live
CLOCK_SKEW = 60  # seconds


@dataclass(frozen=True)
class _Grant:
    # A namesake of a deleted account has another unique id.
    email: str
    unique_id: str
    expires: float
    scopes: frozenset[str]


class Tokens:
    """Access tokens in memory, by digest. After a restart clients sign in again by themselves."""

    def __init__(
        self, store: Store, owner_token: str, owner: Caller, audience: str, key_delay: float = 0
    ) -> None:
        """``key_delay`` is how long a new key stays unknown here, in seconds, as it may at Google.

        A key that was there at the start is no new one.
        """
        self._key_delay = key_delay
        self._store = store
        self._known_keys = store.key_ids()
        self._owner_digest = _digest(owner_token)
        self.owner = owner
        self._audiences = [audience, GOOGLE_AUDIENCE]
        self._grants: dict[bytes, _Grant] = {}

    def exchange(self, assertion: str) -> str:
        """Give an access token for a signed assertion. Raises OAuthError if it is not good."""
        try:
            key_id = str(jwt.get_unverified_header(assertion).get("kid", ""))
            claimed = jwt.decode(assertion, options={"verify_signature": False}).get("iss", "")
        except jwt.PyJWTError as error:
            raise _invalid_grant("The assertion is not a JWT.") from error
        account = self._store.account(str(claimed))
        if account is None or account.disabled:
            raise _invalid_grant("Invalid grant: account not found")
        key = account.keys.get(key_id)
        if key is None or self._is_too_new(key_id, key):
            raise _invalid_grant("Invalid JWT Signature.")
        asked = self._verify(assertion, key)
        return self.issue(account, LIFETIME, asked)

    def issue(self, account: AccountRecord, seconds: int, held: frozenset[str]) -> str:
        """Give an access token for an account. It outlives the key that it was got with, as Google's do."""
        token = f"ya29.local.{secrets.token_urlsafe(48)}"
        self._drop_expired()
        expires = time.time() + seconds
        self._grants[_digest(token)] = _Grant(account.email, account.unique_id, expires, held)
        return token

    def caller(self, authorization: str) -> Caller:
        """Give who a request's Authorization header stands for. Raises Google's 401."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise errors.unauthenticated()
        digest = _digest(token.strip())
        if hmac.compare_digest(digest, self._owner_digest):
            return self.owner
        grant = self._grants.get(digest)
        if grant is None or grant.expires < time.time():
            raise errors.unauthenticated()
        account = self._store.account(grant.email)
        if account is None or account.disabled or grant.unique_id != account.unique_id:
            raise errors.unauthenticated()
        return Caller(account.email, f"serviceAccount:{account.email}", scopes=grant.scopes)

    def _is_too_new(self, key_id: str, key: KeyRecord) -> bool:
        return key_id not in self._known_keys and time.time() < key.created + self._key_delay

    def _verify(self, assertion: str, key: KeyRecord) -> frozenset[str]:
        public_key: Any = load_pem_x509_certificate(key.certificate.encode()).public_key()
        try:
            claims = jwt.decode(
                assertion,
                public_key,
                algorithms=["RS256"],
                audience=self._audiences,
                leeway=CLOCK_SKEW,
                options={"require": ["iss", "aud", "exp", "iat"]},
            )
        except jwt.InvalidSignatureError as error:
            raise _invalid_grant("Invalid JWT Signature.") from error
        except jwt.PyJWTError as error:
            raise _invalid_grant(f"Invalid JWT: {error}") from error
        if claims["exp"] - claims["iat"] > LIFETIME + CLOCK_SKEW:
            raise _invalid_grant(
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                "Check your iat and exp values in the JWT claim."
            )
        return scopes.parsed(claims.get("scope"))

    def _drop_expired(self) -> None:
        now = time.time()
        self._grants = {digest: grant for digest, grant in self._grants.items() if grant.expires > now}


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _invalid_grant(description: str) -> errors.OAuthError:
    return errors.OAuthError("invalid_grant", description)
