"""Memory that a library asked for to load something and no longer needs goes back to the system."""

import ctypes


def release_unused() -> None:
    """Give back what the C library keeps for later; where it is not glibc, which alone keeps so much, nothing happens.

    Opening a network takes its weights three times over for a moment, as they are stored, as they are computed with
    and as they are packed. Of 560 MB for the Chinese one 340 MB would stay ours for good and be of no use.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, TypeError, AttributeError):  # Windows has no library without a name; musl and macOS no such call.
        return
    trim(0)
