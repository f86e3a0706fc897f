"""The name of a run to be, from what a visitor types."""

import pytest

from app.components.training_name import name_for
from vit_core.runs.names import suggest_run_name


@pytest.mark.parametrize(
    ("typed", "name", "remark"),
    [
        ("", "photos", ""),
        ("  cats-2 ", "cats-2", ""),
        ("pets", "pets-2", "There is a run pets already; this one will be called pets-2."),
        ("My Photos!", "my-photos", "It will be called my-photos: a name has small letters a to z, digits, - and _."),
        ("-x", "x", "It will be called x: a name begins with a letter or a digit."),
        ("写真", "run", "It will be called run: a name has small letters a to z, digits, - and _."),
        ("x" * 65, "x" * 40, f"It will be called {'x' * 40}: a name has at most 64 characters."),
    ],
)
def test_a_name_is_made_valid_and_free_from_what_is_typed(typed, name, remark):
    taken = {"pets"}

    found = name_for(typed, "photos", taken=taken, suggest=lambda text: suggest_run_name(text, taken))

    assert found == (name, remark)
