"""What a visit leaves on the disk when the server is stopped."""

import signal


def test_a_stopped_server_leaves_no_picture_of_its_visits(start_app, visit, jpeg, tmp_path):
    app = start_app(TMPDIR=str(tmp_path))
    page = visit(app, "/classify")
    page.locator('[class*="st-key-pictures-drop"] input[type=file]').set_input_files(
        [{"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}]
    )
    page.get_by_role("heading", name="mine.jpg").wait_for()
    assert list(tmp_path.glob("vit-explorer-pictures-*/*"))
    page.context.close()  # a browser whose server goes away says so in its console

    app.process.send_signal(signal.SIGTERM)

    assert app.process.wait(60) == 0
    assert list(tmp_path.iterdir()) == []
