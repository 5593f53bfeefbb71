"""WebAddress: a feed's URL, and the three things that others may know of it: its name, what is shown, its source.

A query may hold a token, so what leaves this module has a hash in its place. A user and password are refused: they
would stand in the process list; `~/.netrc`, which is asked for every host, keeps them from there.
"""

import re
from dataclasses import dataclass
from hashlib import blake2b
from urllib.parse import SplitResult, urlsplit

from monitor.errors import ConfigError

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_UNSAFE = re.compile(r"[\s\x00-\x1f\x7f]")
_SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class WebAddress:
    """Where a feed is fetched.

    Attributes:
        url: whole, for the request only; it is left out of the repr. name: of the input, for labels, positions and
            logs; it holds a slash, which no file's name does. shown: for people. source: the vendor; lower-case.
        base: without query, what relative links and ids in the feed start from. Where redirects lead today would be
            better for links, but tomorrow every id would be another.
    """

    url: str
    name: str
    shown: str
    base: str
    source: str

    def __repr__(self) -> str:
        return f"WebAddress({self.shown})"


def is_url(place: str) -> bool:
    """Whether a feed's place is a URL, of whatever scheme; a file whose name begins so is given as `./http:...`."""
    return _URL.match(place) is not None


def mask_url(url: str) -> str:
    """A URL as logs and people may see it: no user, no password, no query, no fragment."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme.lower()}://{_place(parts)}{parts.path or '/'}{'?...' if parts.query else ''}"
    except ValueError:
        return f"{url.partition(':')[0].lower()}://..."


def read_address(url: str) -> WebAddress:
    """Raises: ConfigError: it is no http or https URL, or carries a user or password."""
    try:
        parts = urlsplit(url)
        place = _place(parts)
    except ValueError:
        raise ConfigError(f"{mask_url(url)}: it is no URL; correct it") from None
    if parts.scheme.lower() not in _SCHEMES:
        raise ConfigError(f"{mask_url(url)}: feeds are fetched by http and https only; give such a URL")
    if "@" in parts.netloc:
        raise ConfigError(
            f"{mask_url(url)}: it carries a user or password; give the URL without them, and keep them in ~/.netrc"
        )
    if not parts.hostname or _UNSAFE.search(url):
        raise ConfigError(f"{mask_url(url)}: it names no host, or holds white space; correct it")
    name = f"{place}{parts.path or '/'}"
    if parts.query:
        # Two feeds of one server may differ in nothing else. 32 bits tell them apart and give no token away.
        name += f"?{blake2b(parts.query.encode(), digest_size=4).hexdigest()}"
    source = parts.hostname.lower().removeprefix("www.")
    base = parts._replace(query="", fragment="").geturl()
    return WebAddress(parts._replace(fragment="").geturl(), name, mask_url(url), base, source)


def _place(parts: SplitResult) -> str:
    """Host and port. Raises: ValueError: the port is none."""
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    return host if parts.port is None else f"{host}:{parts.port}"
