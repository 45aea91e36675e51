"""Access tokens for SASL/OAUTHBEARER: the client-credentials grant (RFC 6749, 4.4) at a token endpoint, as OpenID Connect has it.

One source of tokens for all Kafka clients, so that they trust the same endpoint, by the same certificates, with the same secret.
"""

import base64
import http.client
import ssl
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from stream.errors import NotAuthenticated, SettingsError

CALL_SECONDS = 10.0
EARLY = 0.2  # of a token's life: it is taken anew so much before it ends
LARGEST_ANSWER = 1 << 20  # bytes
DEFAULT_LIFE_SECONDS = 300.0  # of a token whose answer does not say


class _Answer(msgspec.Struct):
    access_token: str
    expires_in: float = DEFAULT_LIFE_SECONDS


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, and when it ends (seconds since the epoch)."""

    value: str = field(repr=False)
    ends: float
    anew: float
    """From when on it is no longer given out."""


@dataclass(slots=True)
class Tokens:
    """Gives a valid token, a new one in good time before the old one ends. May be called from any thread."""

    endpoint: str
    client: str
    secret_file: str
    scope: str
    context: ssl.SSLContext | None = field(default=None, repr=False)
    _token: Token | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __call__(self) -> Token:
        """A token. Raises NotAuthenticated if the endpoint gives none, SettingsError if the secret cannot be read."""
        with self._lock:
            if self._token is None or time.time() >= self._token.anew:
                self._token = self._ask()
            return self._token

    def _ask(self) -> Token:
        form = {"grant_type": "client_credentials", **({"scope": self.scope} if self.scope else {})}
        # RFC 6749, 2.3.1: both are form-encoded before they are joined.
        secret = read_secret(self.secret_file, "SCAMSIEVE_OAUTH_CLIENT_SECRET_FILE")
        identity = ":".join(urllib.parse.quote_plus(part) for part in (self.client, secret))
        headers = {
            "Authorization": "Basic " + base64.b64encode(identity.encode()).decode(),
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        status, body = self._post(urllib.parse.urlencode(form), headers)
        if status != http.client.OK:
            raise NotAuthenticated(
                f"{self.endpoint} gives client {self.client!r} no token (HTTP {status}): "
                "check SCAMSIEVE_OAUTH_CLIENT_ID, SCAMSIEVE_OAUTH_CLIENT_SECRET_FILE, SCAMSIEVE_OAUTH_SCOPE"
            )
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except msgspec.DecodeError:
            raise NotAuthenticated(f"{self.endpoint} answers without an access_token: check SCAMSIEVE_OAUTH_TOKEN_ENDPOINT") from None
        now = time.time()
        return Token(answer.access_token, now + answer.expires_in, now + answer.expires_in * (1 - EARLY))

    def _post(self, body: str, headers: dict[str, str]) -> tuple[int, bytes]:
        """Status and body of the answer; redirections are not followed: the secret goes to one place only."""
        place = urllib.parse.urlsplit(self.endpoint)
        host, port = place.hostname or "", place.port
        if place.scheme == "https":
            asking: http.client.HTTPConnection = http.client.HTTPSConnection(host, port, timeout=CALL_SECONDS, context=self.context)
        else:
            asking = http.client.HTTPConnection(host, port, timeout=CALL_SECONDS)
        try:
            asking.request("POST", f"{place.path or '/'}{'?' + place.query if place.query else ''}", body, headers)
            answer = asking.getresponse()
            return answer.status, answer.read(LARGEST_ANSWER)
        except ssl.SSLError as error:
            raise NotAuthenticated(f"{self.endpoint} is not trusted ({error.reason}): check SCAMSIEVE_SSL_CA_FILE") from None
        except (OSError, http.client.HTTPException) as error:
            raise NotAuthenticated(f"{self.endpoint} does not answer ({type(error).__name__}): no token for Kafka") from None
        finally:
            asking.close()


def read_secret(path: str, variable: str) -> str:
    """The secret in a file, without the line's end. Raises SettingsError, which never holds what is in the file."""
    try:
        secret = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise SettingsError(f"{variable}={path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{variable}={path} holds no UTF-8") from None
    if not secret:
        raise SettingsError(f"{variable}={path} is empty")
    return secret
