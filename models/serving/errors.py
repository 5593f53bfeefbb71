"""What can go wrong where a network is run, sorted by what the caller should do about it."""

from models.checkpoint import CheckpointError


class OutOfMemory(Exception):
    """A batch did not fit into the device's memory: ask again with half of it. The device itself is sound."""


class DeviceLost(Exception):
    """The device answers no more, or nothing that it says can be trusted: end the process and let another begin.

    CUDA errors of this kind stay: every later call of the process fails too, whatever it asks.
    """


class DeviceUnavailable(CheckpointError):
    """A device or a precision that was demanded is not to be had here; the message names the key and the remedy."""
