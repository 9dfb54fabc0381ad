"""How a server is reached: who signs, which headers go along, whom TLS trusts, by which proxy."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

from fhirconv.credentials import Signer
from fhirconv.errors import UsageError
from fhirconv.secret import Secret

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # of the environment, as others read them


@dataclass(frozen=True, slots=True)
class Access:
    """What requests to one server carry, and how the way there is secured.

    `ca` is a file of certificates that are trusted instead of the usual ones; `certificate` is
    our own, with its key in the same file or in `key`; without a `proxy` that of the environment
    is used, where it has one.
    """

    signer: Signer | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    private: tuple[str, ...] = field(default=(), repr=False)  # headers that must not be seen
    ca: str = ""
    certificate: str = ""
    key: str = ""
    password: Secret | None = None  # of the key
    proxy: str = field(default="", repr=False)

    def signed(self, signer: Signer) -> "Access":
        """Return the same way with somebody who signs."""
        return replace(self, signer=signer)

    def bare(self) -> "Access":
        """Return the same way without who signs, and without headers."""
        return replace(self, signer=None, headers={}, private=())

    def secrets(self) -> tuple[str, ...]:
        """Return what must not be seen in what a server says."""
        password = urlsplit(self.proxy).password or ""
        signed = self.signer.secrets() if self.signer else ()
        return tuple(filter(None, (*signed, *self.private, password, unquote(password))))

    def trusted(self, environment: Mapping[str, str]) -> str | bool:
        """Return the file of the trusted certificates; True for the usual ones.

        Raises UsageError for a file that has none.
        """
        if not self.ca:
            return next(filter(None, (environment.get(name) for name in BUNDLES)), True)
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(self.ca)
        except OSError as error:
            message = f"the file of trusted certificates cannot be used: {_why(error)}"
            raise UsageError(message, self.ca) from error
        return self.ca

    def context(self) -> ssl.SSLContext | None:
        """Return a context of TLS that shows our certificate; None where we have none.

        Raises UsageError where the certificate or its key cannot be used.
        """
        if not self.certificate:
            return None
        context = ssl.create_default_context()
        if self.ca:
            context = ssl.create_default_context(cafile=self.ca)
        password = self.password.reveal() if self.password else ""
        try:
            # an empty password, rather than none, as OpenSSL would ask the terminal for it
            context.load_cert_chain(self.certificate, self.key or None, lambda: password)
        except OSError as error:
            message = f"our certificate, or its key, cannot be used: {_why(error)}"
            raise UsageError(message, self.certificate) from error
        return context


def _why(error: OSError) -> str:
    """Return the words of the system, without numbers; OpenSSL says little of a file."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "it is none").lower().replace("_", " ")
    return (error.strerror or "it is not there").lower()
