"""The system's Chromium, driven by Playwright: found, and started with a fresh profile and no word to the network."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""A browser that starts does much that has nothing to do with a page, and that no test may wait for."""


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium; skips the test that asks for it where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        how = "apt-get install chromium, or run tools/install_system_packages.sh"
        pytest.skip(f"there is no Chromium here: {how}")  # a laptop runs the rest; CI makes a failure of it
    # As root, as in a container, Chromium refuses to start inside its own sandbox; what it opens here is ours.
    flags = [*FLAGS, "--no-sandbox"] if sys.platform == "linux" and os.geteuid() == 0 else [*FLAGS]
    with sync_playwright() as playwright:
        # Playwright makes a profile for each start, and removes it.
        started = playwright.chromium.launch(executable_path=found, headless=True, args=flags)
        try:
            yield started
        finally:
            started.close()
