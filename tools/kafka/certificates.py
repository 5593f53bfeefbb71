"""Certificates of a broker that lives for one test: an authority, a broker for 127.0.0.1, a client, and a stranger.

Made anew each time by openssl and good for two days, so that no key lies in the tree. Standard library only.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.kafka.artifacts import find_program

_DAYS = "2"


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files. `broker` holds key and certificate in one, as Kafka takes them; `stranger` is another authority."""

    authority: Path
    broker: Path
    client: Path
    client_key: Path
    stranger: Path


def make_certificates(folder: Path) -> Certificates:
    """Write them all. Raises: BrokerError: openssl is not installed."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = _authority(folder, "authority")
    broker, broker_key = _signed(folder, "broker", "subjectAltName=IP:127.0.0.1,DNS:localhost")
    client, client_key = _signed(folder, "client", "extendedKeyUsage=clientAuth")
    both = folder / "broker-store.pem"
    both.write_text(broker_key.read_text("ascii") + broker.read_text("ascii"), encoding="ascii")
    return Certificates(authority, both, client, client_key, _authority(folder, "stranger"))


def _authority(folder: Path, name: str) -> Path:
    out = folder / f"{name}.pem"
    key = folder / f"{name}-key.pem"
    _openssl(
        "req", "-x509", *_new_key(key), "-days", _DAYS, "-subj", f"/CN={name}", "-out", str(out),
        "-addext", "keyUsage=critical,keyCertSign,cRLSign",
    )  # fmt: skip
    return out


def _signed(folder: Path, name: str, extension: str) -> tuple[Path, Path]:
    out, key, request, more = (folder / f"{name}{end}" for end in (".pem", "-key.pem", ".csr", ".ext"))
    more.write_text(f"{extension}\nauthorityKeyIdentifier=keyid\n", encoding="ascii")
    _openssl("req", *_new_key(key), "-subj", f"/CN={name}", "-out", str(request))
    signer = ("-CA", str(folder / "authority.pem"), "-CAkey", str(folder / "authority-key.pem"), "-CAcreateserial")
    _openssl("x509", "-req", "-in", str(request), *signer, "-days", _DAYS, "-extfile", str(more), "-out", str(out))
    return out, key


def _new_key(key: Path) -> tuple[str, ...]:
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(key))


def _openssl(*arguments: str) -> None:
    subprocess.run([find_program("openssl"), *arguments], check=True, capture_output=True, timeout=60)
