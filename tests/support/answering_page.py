"""What tests of pages that answer with a model share: a page is run until the model has answered."""

import time

PATIENCE_S = 120


def answered(page):
    """Run a page again, as its polling would, until the model has nothing left to do; give it back."""
    ends_at = time.monotonic() + PATIENCE_S
    while page.get("progress") or page.get("skeleton"):
        assert time.monotonic() < ends_at
        time.sleep(0.1)
        page.run()
    return page
