"""What a processor can multiply, from what operating systems tell of it."""

import pytest

from models.serving.processor import Processor, processor

INTEL = """processor\t: 0
model name\t: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz
flags\t\t: fpu avx2 avx512f avx512_vnni avx512_bf16 amx_bf16 amx_tile amx_int8

processor\t: 1
model name\t: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz
flags\t\t: fpu avx2 avx512f avx512_vnni avx512_bf16 amx_bf16 amx_tile amx_int8
"""
CASES: dict[str, tuple[str, str, tuple[str, bool, bool]]] = {
    "Intel with AMX": (INTEL, "x86_64", ("Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", True, True)),
    "Intel of a laptop": ("model name : Core Ultra 7\nflags : avx2 avx_vnni\n", "AMD64", ("Core Ultra 7", True, False)),
    "Intel of 2015": ("model name : Xeon E5 v4\nflags : fpu avx avx2 fma\n", "x86_64", ("Xeon E5 v4", False, False)),
    "AMD with VNNI": ("model name : EPYC 9B14\nflags : avx2 avx512_vnni\n", "x86_64", ("EPYC 9B14", True, False)),
    "AMD without": ("model name : EPYC 7B13\nflags : fpu avx2 vaes\n", "x86_64", ("EPYC 7B13", False, False)),
    "name that holds a colon": ("model name : A: B\nflags : avx2\n", "x86_64", ("A: B", False, False)),
    "ARM on Linux": ("Features : fp asimd asimddp i8mm bf16\n", "aarch64", ("aarch64", True, False)),
    "ARM that tells nothing": ("", "arm64", ("arm64", True, False)),
    "nothing told": ("", "x86_64", ("x86_64", False, False)),
    "told in another form": ("no colon here\n:\n\x00", "AMD64", ("amd64", False, False)),
}


@pytest.mark.parametrize("case", CASES)
def test_instructions_are_read_from_what_is_told(case: str) -> None:
    told, machine, expected = CASES[case]
    assert processor(lambda: told, lambda: machine) == Processor(*expected)


def test_flag_is_a_whole_word() -> None:
    assert not processor(lambda: "flags : xavx_vnni avx_vnni2 amx_bf16s\n", lambda: "x86_64").has_dot_products


def test_this_machine_has_a_processor_of_some_name() -> None:
    assert processor().model
