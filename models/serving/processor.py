"""What this machine's processor can multiply by itself, by what the operating system tells.

Deliberately left out: how fast it is (`choose.py` measures).
"""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_VNNI = frozenset(("avx512_vnni", "avx_vnni", "amx_int8", "avx512vnni"))
_AMX = frozenset(("amx_bf16",))


@dataclass(frozen=True, slots=True)
class Processor:
    """Attributes:
    model: as the maker names it, or the architecture where nobody tells.
    has_dot_products: whether it adds four products of 8-bit integers in 32 bits (VNNI, or ARM's).
    has_amx: whether it multiplies tiles of bfloat16.
    """

    model: str
    has_dot_products: bool
    has_amx: bool


def _told() -> str:
    try:
        return _CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def processor(told: Callable[[], str] = _told, machine: Callable[[], str] = platform.machine) -> Processor:
    """This machine's. Where nothing is told of its instructions, it is taken to have none."""
    lines = dict(
        (key.strip().lower(), value.strip()) for key, _, value in (line.partition(":") for line in told().splitlines())
    )
    flags = frozenset(lines.get("flags", lines.get("features", "")).split())
    name = machine().lower()
    is_arm = name in ("arm64", "aarch64")
    # ARM's kernels widen before they add: no pair overflows there, whatever the instructions.
    return Processor(lines.get("model name", name), is_arm or not flags.isdisjoint(_VNNI), not flags.isdisjoint(_AMX))
