"""`finetune` says what becomes of the checkpoint's head."""


def test_a_person_reads_that_the_head_is_replaced_and_why(finished):
    said = (finished.folder / "err.txt").read_text()
    assert " is replaced by a new one for your 3 classes, for the old one can only answer with its own." in said
