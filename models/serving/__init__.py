"""Serving: how the networks of checkpoints are run, by what the machine has."""
