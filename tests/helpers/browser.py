"""Where the browser of this machine is."""

import shutil

__all__ = ["CHROMIUM"]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
