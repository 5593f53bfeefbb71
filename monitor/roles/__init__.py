"""Roles: one module each, its operators joined in order. A role reads messages and gives outputs; it does no I/O."""
