"""Make sure that a Chromium is there for the browser tests; install one when it is not.

Tried in this order: a Chromium or Chrome on the PATH, a browser that Playwright installed earlier, Playwright's own
download, and Debian's package (as root, or with sudo that asks no password).
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "fonts-dejavu-core")


def find_browser() -> str | None:
    """Give the path of a Chromium, or None."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install_commands() -> list[list[str]]:
    """Give the ways to install one, best first."""
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    debian = [*prefix, "apt-get", "install", "-y", "--no-install-recommends", *PACKAGES]
    commands = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get"):
        commands += [[*prefix, "apt-get", "update", "-qq"], debian]
    return commands


def main() -> int:
    """Find or install a browser; exit with 1 and the way out when neither works."""
    for command in install_commands():
        if path := find_browser():
            print(f"The browser tests use {path}")
            return 0
        print("No browser found; trying:", " ".join(command), flush=True)
        subprocess.run(command, check=False, timeout=600)
    if find_browser():
        return 0
    print("The browser tests need Chromium. On Debian: apt install chromium", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
