"""What every figure must be read beside: the processor it was measured on; and how much memory a process holds."""

import platform
from pathlib import Path

EXTENSIONS = {
    "amx_tile": "AMX",
    "amx_int8": "AMX int8",
    "amx_bf16": "AMX bf16",
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI",
    "avx512_bf16": "AVX-512 bf16",
    "avx_vnni": "AVX-VNNI",
    "avx2": "AVX2",
    "i8mm": "int8 matrices",
    "bf16": "bf16",
    "asimddp": "dot products",
}
"""What decides how fast a network runs: the system's word for it, and ours. The last three are of ARM."""


def cpu_name() -> str:
    """The processor's name as the system gives it."""
    return _cpuinfo("model name") or platform.processor() or "unknown"


def cpu_extensions() -> tuple[str, ...]:
    """What the processor has of EXTENSIONS, in our words and their order; nothing where the system does not tell."""
    flags = (_cpuinfo("flags") or _cpuinfo("Features")).split()
    return tuple(ours for theirs, ours in EXTENSIONS.items() if theirs in flags)


def resident_kib(pid: int) -> int:
    """Resident memory of a process, KiB; 0 when it is gone, or where the system does not tell."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def _cpuinfo(key: str) -> str:
    """The first processor's value of a key, empty where there is none."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == key), "")
