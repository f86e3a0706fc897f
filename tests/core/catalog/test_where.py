import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vit_core.catalog.query import apply_where, parse_where, pretrained_files
from vit_core.errors import BadQuery

WORDS = [
    *("wd", "name", "(", ")", "[", "]", ",", "==", "!=", "<", "in", "not", "and", "or"),
    *("&", "|", "~", "+", "-", "*", "/", "1", "0.1", "'B/16'", "True"),
]


def count(frame, text: str) -> int:
    return len(apply_where(frame, text))


class TestAnswers:
    @pytest.mark.parametrize(
        ("text", "python"),
        [
            ('ds == "i21k"', lambda t: t["ds"] == "i21k"),
            ("ds != 'i21k'", lambda t: t["ds"] != "i21k"),
            ('"B/16" == name', lambda t: t["name"] == "B/16"),
            ("wd == 0.1 and do == 0", lambda t: (t["wd"] == 0.1) & (t["do"] == 0)),
            ("(wd == 0.1) & (do == 0)", lambda t: (t["wd"] == 0.1) & (t["do"] == 0)),
            ("wd == 0.1 or do == 0", lambda t: (t["wd"] == 0.1) | (t["do"] == 0)),
            ("(wd == 0.1) | (do == 0)", lambda t: (t["wd"] == 0.1) | (t["do"] == 0)),
            ("not wd == 0.1", lambda t: ~(t["wd"] == 0.1)),
            ("~(wd == 0.1)", lambda t: ~(t["wd"] == 0.1)),
            ("0.4 < final_val <= 0.5", lambda t: (t["final_val"] > 0.4) & (t["final_val"] <= 0.5)),
            ('name in ["B/16", "S/16"]', lambda t: t["name"].isin(["B/16", "S/16"])),
            ('name not in ("B/16", "S/16")', lambda t: ~t["name"].isin(["B/16", "S/16"])),
            ("adapt_resolution in [384]", lambda t: t["adapt_resolution"] == 384),
            ("name in []", lambda t: t["wd"] > 1e9),
            ('"cifar" in adapt_filename', lambda t: t["adapt_filename"].str.contains("cifar", regex=False)),
            ('".*" in adapt_filename', lambda t: t["wd"] > 1e9),
            ('"S" in name', lambda t: t["name"].astype(str).str.contains("S")),
            ("params / 1e6 - 10 > 2 * 20 + -1", lambda t: t["params"] / 1e6 - 10 > 39),
            ("final_val == final_val", lambda t: t["final_val"].notna()),
            ("params > 1 / 0", lambda t: t["wd"] > 1e9),
            ("True", lambda t: t["epochs"] > 0),
            ("False", lambda t: t["epochs"] < 0),
            ("name == filename", lambda t: t["epochs"] < 0),
            ("wd < do or aug == 'none'", lambda t: (t["wd"] < t["do"]) | (t["aug"] == "none")),
            ("params > " + "9" * 400, lambda t: t["epochs"] < 0),
            ("  wd == 0.1\n", lambda t: t["wd"] == 0.1),
        ],
    )
    def test_the_rows_are_those_that_pandas_gives(self, frame, text, python):
        assert apply_where(frame, text)["adapt_filename"].tolist() == frame[python(frame)]["adapt_filename"].tolist()

    def test_the_file_table_has_its_own_columns(self, frame):
        files = pretrained_files(frame)
        assert count(files, "n_fine_tunes == 34") == 3

    def test_a_boolean_column_is_a_condition(self, frame):
        assert count(frame.assign(mine=frame["wd"] == 0.1), "mine and not do > 0") > 0

    def test_the_table_is_not_changed(self, frame):
        before = frame.copy()
        apply_where(frame, "wd == 0.1")
        assert frame.equals(before)


class TestRefused:
    @pytest.mark.parametrize(
        ("text", "part"),
        [
            ("__import__('os').system('true')", "a call"),
            ("name.str.len() > 3", "a call"),
            ("name.values == 1", "an attribute"),
            ("@settings", "cannot be read"),
            ("wd @ do", "the sign @"),
            ("name[0] == 'B'", "an index"),
            ("wd ** 9 > 1", "a power"),
            ("9 ** 9 ** 9 ** 9 > wd", "a power"),
            ("(lambda: 1)()", "a call"),
            ("lambda: 1", "a lambda"),
            ("[x for x in name]", "listcomp"),
            ("{1: 2} == wd", "dict"),
            ("f'{wd}' == name", "an f-string"),
            ("(y := wd) > 1", "an assignment"),
            ("wd if do else sd", "the word if"),
            ("wd is 0.1", "the word is"),
            ("wd == None", "None"),
            ("wd == b'x'", "b'x'"),
            ("wd == 1j", "1j"),
            ("wd == ...", "Ellipsis"),
            ("wd % 2 == 0", "mod"),
            ("wd // 2 == 0", "floordiv"),
            ("1 << 99999999999 > wd", "lshift"),
            ("wd == 0.1; do == 0", "cannot be read"),
            ("import os", "cannot be read"),
            ("", "cannot be read"),
            ("wd ==", "cannot be read"),
            ("wd = 0.1", "cannot be read"),
            ("wd == 0.1\nand do == 0", "cannot be read"),
            ("wd == '\0'", "cannot be read"),
        ],
    )
    def test_what_is_outside_the_language_is_named(self, frame, text, part):
        with pytest.raises(BadQuery) as caught:
            apply_where(frame, text)
        assert part in str(caught.value)

    def test_an_unknown_column_lists_close_names(self, frame):
        with pytest.raises(BadQuery, match=r"no column 'final_vall'\. Did you mean 'final_val'"):
            apply_where(frame, "final_vall > 0.5")

    def test_forgotten_quotes_are_explained(self, frame):
        with pytest.raises(BadQuery, match=r"no column 'i21k'.*Text is written in quotes"):
            apply_where(frame, "ds == i21k")

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("name > 3", "name is text and 3 is a number"),
            ("wd == 'big'", "wd is a number and 'big' is text"),
            ("name < 'C'", "name is text, which has no order"),
            ("wd in ['a']", "wd is a number and 'a' is text"),
            ("name + 1 == 2", r"name is text; \+ - \* / need numbers"),
            ("'a' * 999999999 == name", "'a' is text"),
            ("wd", "the condition as a whole is a number, not a condition"),
            ("'i21k'", "the condition as a whole is text, not a condition"),
            ("wd and do", "wd is a number, not a condition"),
            ("ds == 'i21k' & wd == 0.1", "brackets around comparisons"),
            ("~wd == 0.1", "wd is a number, not a condition"),
            ("-name == 1", "name is text"),
            ("3 in wd", "wd is neither"),
            ("wd in 'abc'", "'abc' is neither"),
            ("[1, 2] == wd", "may stand only after the word in"),
            ("(wd == 1) + 1 == 2", "need numbers"),
        ],
    )
    def test_what_has_no_meaning_is_explained(self, frame, text, sentence):
        with pytest.raises(BadQuery, match=sentence):
            apply_where(frame, text)

    @pytest.mark.parametrize(
        "text",
        [
            "(" * 150 + "wd == 1" + ")" * 150 + " and (" * 100,
            "not " * 400 + "wd == 1",
            "-" * 1900 + "wd == 1",
            "wd == 1" + " or wd == 1" * 170,
            "wd == " + "1+" * 900 + "1",
            "x" * 2001,
            "wd == 1" + " " * 1_000_000,
        ],
    )
    def test_deep_and_huge_conditions_are_refused(self, frame, text):
        with pytest.raises(BadQuery):
            apply_where(frame, text)

    @settings(deadline=None)
    @given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=40))
    def test_any_text_is_answered_or_refused_in_one_line(self, text):
        table = pd.DataFrame({"wd": [0.1, None], "name": ["B/16", None]}).astype({"name": "category"})
        refusal = ""
        try:
            assert len(apply_where(table, text)) <= 2
        except BadQuery as error:
            refusal = str(error)
        assert "\n" not in refusal

    def test_a_parsed_condition_keeps_its_text(self):
        assert parse_where("wd == 0.1").text == "wd == 0.1"
