"""What tests of the Fine-tune page do to it, and read of it."""

import time


def bring(page, data, name="shapes.zip"):
    uploader = next(each for each in page.file_uploader if "zip" in each.label)
    return settled(uploader.set_value((name, data, "application/zip")).run())


def settled(page):
    """Run a page again, as its polling would, until nothing is under way."""
    ends_at = time.monotonic() + 120
    while page.get("progress"):
        assert time.monotonic() < ends_at
        time.sleep(0.1)
        page.run()
    return page


def button(page, label):
    return next(each for each in page.button if each.label.startswith(label))


def number(page, label):
    return next(each for each in page.number_input if each.label == label)


def id_of(page):
    return page.query_params["data"]


def html(page):
    return "\n".join(element.proto.body for element in page.get("html"))


def labels(page):
    return [each.label for each in page.button]
