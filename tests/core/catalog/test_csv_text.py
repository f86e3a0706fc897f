import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vit_core.catalog.csv_text import parse_csv
from vit_core.catalog.schema import PUBLISHED
from vit_core.errors import BadIndex


def parse(data: bytes):
    return parse_csv(data, location="my index.csv")


class TestRefused:
    @pytest.mark.parametrize(
        ("data", "trouble"),
        [
            (b"", "is empty"),
            (b"  \n\n ", "is empty"),
            (b"<!doctype html><p>503</p>", "web page or XML"),
            (b"\n\n <html>", "web page or XML"),
            (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "web page or XML"),
            (b'{"error": 403}', "is JSON"),
            (b"PAR1....", "a Parquet file"),
            (b"\x1f\x8b\x08", "compressed with gzip"),
            (b"PK\x03\x04", "a zip or spreadsheet file"),
            ("name,ds".encode("utf-16"), "UTF-16"),
            (b"a,b,c\n1,2,3\n", "is not an index: its first line is 'a,b,c'"),
            (b"hello", "is not an index"),
        ],
    )
    def test_what_is_no_csv_is_named(self, data, trouble):
        with pytest.raises(BadIndex, match=trouble):
            parse(data)

    @pytest.mark.parametrize("end", [b"", b"\n"])
    def test_a_header_without_rows_is_named(self, end):
        with pytest.raises(BadIndex, match="a header and no rows"):
            parse(",".join(PUBLISHED).encode() + end)

    @pytest.mark.parametrize("column", PUBLISHED)
    def test_each_missing_column_is_named(self, small_table, column):
        with pytest.raises(BadIndex, match=f"lacks the column '{column}'"):
            parse(small_table.drop(columns=column).to_csv(index=False).encode())

    def test_a_renamed_column_is_recognised(self, small_table):
        renamed = small_table.rename(columns={"final_val": "final_vall"})
        with pytest.raises(BadIndex, match=r"'final_val' \(is it 'final_vall'\?\)"):
            parse(renamed.to_csv(index=False).encode())

    def test_a_repeated_column_is_named(self, small_csv):
        header, _, rows = small_csv.partition(b"\n")
        with pytest.raises(BadIndex, match="the column 'ds' twice"):
            parse(header + b",ds\n" + rows)

    def test_semicolons_are_named(self, small_table):
        with pytest.raises(BadIndex, match="separated by semicolons"):
            parse(small_table.to_csv(index=False, sep=";").encode())

    def test_an_unclosed_quote_is_named(self, small_csv):
        with pytest.raises(BadIndex, match="unclosed quote"):
            parse(small_csv.replace(b"\n", b'\n"', 1))

    def test_a_quote_that_runs_over_lines_is_refused(self, small_csv):
        lines = small_csv.split(b"\n")
        lines[2], lines[4] = b'"' + lines[2], lines[4] + b'"'
        with pytest.raises(BadIndex):
            parse(b"\n".join(lines))

    @pytest.mark.parametrize("line", [1, 15, 29])
    def test_a_row_with_too_few_cells_is_refused_as_a_whole(self, small_csv, line):
        lines = small_csv.split(b"\n")
        lines[line] = lines[line].rpartition(b",")[0]
        with pytest.raises(BadIndex, match="has 20 cells and the header 21"):
            parse(b"\n".join(lines))

    def test_a_row_with_too_many_cells_is_refused_as_a_whole(self, small_csv):
        lines = small_csv.split(b"\n")
        lines[4] += b",more"
        with pytest.raises(BadIndex, match="line 5 has 22 cells"):
            parse(b"\n".join(lines))

    def test_a_file_cut_in_a_row_is_refused(self, small_csv):
        with pytest.raises(BadIndex):
            parse(small_csv[: small_csv.rindex(b",", 0, -40)])

    def test_latin_1_is_named_with_its_line(self, small_csv):
        lines = small_csv.split(b"\n")
        lines[6] = lines[6].replace(b"i21k", b"\xe9", 1).replace(b"i1k", b"\xe9", 1)
        with pytest.raises(BadIndex, match="not UTF-8: byte 0xe9 in line 7"):
            parse(b"\n".join(lines))

    def test_a_nul_byte_is_named_with_its_line(self, small_csv):
        lines = small_csv.split(b"\n")
        lines[3] += b"\0"
        with pytest.raises(BadIndex, match="NUL byte in line 4"):
            parse(b"\n".join(lines))

    def test_two_rows_of_one_name_are_refused_with_both_rows(self, small_table):
        twice = pd.concat([small_table, small_table.iloc[[4]]])
        with pytest.raises(BadIndex, match="rows 5 and 31 both have the adapt_filename"):
            parse(twice.to_csv(index=False).encode())

    @pytest.mark.parametrize("column", ["name", "ds", "filename", "adapt_filename"])
    def test_an_empty_name_is_refused(self, small_table, column):
        small_table.loc[9, column] = ""
        with pytest.raises(BadIndex, match=f"{column} in row 10 is empty"):
            parse(small_table.to_csv(index=False).encode())

    def test_an_endless_cell_is_refused(self, small_table):
        small_table.loc[0, "aug"] = "x" * 100_000
        with pytest.raises(BadIndex, match="aug in row 1 is longer than"):
            parse(small_table.to_csv(index=False).encode())

    def test_messages_are_one_line_even_for_hostile_names(self):
        with pytest.raises(BadIndex) as caught:
            parse_csv(b"", location="a\nb" * 500)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 300


class TestWhole:
    @pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
    def test_any_line_ending_gives_the_same_table(self, small_csv, ending):
        pd.testing.assert_frame_equal(parse(small_csv.replace(b"\n", ending)).frame, parse(small_csv).frame)

    def test_a_byte_order_mark_is_skipped(self, small_csv):
        pd.testing.assert_frame_equal(parse(b"\xef\xbb\xbf" + small_csv).frame, parse(small_csv).frame)

    def test_empty_lines_are_skipped(self, small_csv):
        pd.testing.assert_frame_equal(parse(small_csv.replace(b"\n", b"\n\n") + b"\n").frame, parse(small_csv).frame)

    def test_a_missing_last_line_ending_is_no_trouble(self, small_csv):
        pd.testing.assert_frame_equal(parse(small_csv.rstrip(b"\n")).frame, parse(small_csv).frame)

    def test_quoted_cells_are_read(self, small_table):
        quoted = small_table.to_csv(index=False, quoting=1).encode()
        assert parse(quoted).frame["filename"].tolist() == small_table["filename"].tolist()

    @pytest.mark.parametrize("name", ["=HYPERLINK(1)", "<script>alert(1)</script>", "**bold**", 'a "b", c', "ναί 🐱"])
    def test_any_text_stays_text(self, small_table, name):
        small_table.loc[2, "adapt_filename"] = name
        assert parse(small_table.to_csv(index=False).encode()).frame["adapt_filename"].iloc[2] == name

    def test_columns_that_an_index_does_not_have_are_left_out_and_said(self, small_table):
        raw = parse(small_table.assign(extra=1).to_csv().encode())
        assert "extra" not in raw.frame
        assert "left out: , extra" in raw.notes[0]


class TestNumbers:
    @pytest.mark.parametrize("text", ["abc", "NaN", "inf", "1e400", "-1e400", "0x10", "1_000", "1,5", "--1", "1e", "."])
    def test_what_is_no_finite_number_is_blank_and_counted(self, small_table, text):
        small_table["final_val"] = small_table["final_val"].astype("object")
        small_table.loc[[4, 6], "final_val"] = text
        raw = parse(small_table.to_csv(index=False).encode())
        assert len(raw.frame) == 30
        assert raw.frame["final_val"].isna().tolist() == [row in (4, 6) for row in range(30)]
        assert f"final_val: 2 (the first is {text!r} in row 5)" in raw.notes[0]

    @pytest.mark.parametrize("text", ["224.5", "1e30", "1000000000000000000000000000000"])
    @pytest.mark.parametrize("column", ["adapt_steps", "adapt_resolution"])
    def test_what_is_no_whole_number_is_blank_where_one_is_meant(self, small_table, column, text):
        table = small_table.astype({column: "object"})
        table.loc[2, column] = text
        raw = parse(table.to_csv(index=False).encode())
        assert pd.isna(raw.frame.loc[2, column])
        assert f"{column}: 1 (the first is '{text}' in row 3)" in raw.notes[0]

    def test_empty_cells_are_blank_and_not_counted(self, small_table):
        small_table["final_val"] = None
        assert parse(small_table.to_csv(index=False).encode()).notes == ()

    @pytest.mark.parametrize(
        ("text", "value"), [(" 0.5 ", 0.5), ("+1", 1.0), (".5", 0.5), ("5E-1", 0.5), ("1e-400", 0.0)]
    )
    def test_every_spelling_of_a_number_is_read(self, small_table, text, value):
        small_table["lr"] = text
        assert parse(small_table.to_csv(index=False).encode()).frame["lr"].tolist() == [value] * 30

    def test_a_million_hostile_characters_in_a_number_are_no_trouble(self, small_table):
        small_table["lr"] = small_table["lr"].astype("object")
        small_table.loc[0, "lr"] = "1" * 500_000 + "x"
        assert "lr: 1 (the first is '1111" in parse(small_table.to_csv(index=False).encode()).notes[0]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_damage_is_refused_or_read_whole_with_the_rows_it_has(small_csv, data):
    place = data.draw(st.integers(0, len(small_csv) - 1))
    damage = data.draw(st.binary(max_size=4))
    cut = data.draw(st.integers(0, 3))
    damaged = small_csv[:place] + damage + small_csv[place + cut :]
    try:
        frame = parse(damaged).frame
    except BadIndex:
        return
    lines = [line for line in damaged.replace(b"\r", b"\n").split(b"\n") if line]
    assert len(frame) == len(lines) - 1
