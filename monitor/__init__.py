"""The financial sentiment monitor: feeds in, alerts on surges of bad news out."""

__version__ = "0.1.0"
