import dataclasses
import os
import socket
import threading
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from vit_core.catalog.index import load_catalogue, load_demo, read_index, read_url, refresh_catalogue
from vit_core.catalog.query import pretrained_files
from vit_core.catalog.saved import copy_path
from vit_core.errors import AccessDenied, BadIndex, BadInput, ObjectMissing, Unreachable
from vit_core.settings import Settings, bundled_data_dir


def with_bucket(settings: Settings, bucket) -> Settings:
    return dataclasses.replace(settings, bucket=bucket.url)


def saved_file(settings: Settings) -> Path:
    return copy_path(settings.cache_dir, f"{settings.bucket}/index.csv")


@pytest.fixture
def no_sockets(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


class TestOrder:
    def test_without_a_network_the_bundled_table_is_given(self, settings, no_sockets):
        catalogue = load_catalogue(settings, network=False)
        assert (catalogue.origin, len(catalogue.frame), catalogue.problems) == ("bundled", 51_509, ())

    def test_a_closed_port_falls_back_to_the_bundled_table_and_says_why(self, settings):
        catalogue = load_catalogue(settings)
        assert catalogue.origin == "bundled"
        assert len(catalogue.problems) == 1
        assert "127.0.0.1:9" in catalogue.problems[0]

    def test_the_bucket_is_read_and_saved_for_the_next_start(self, settings, bucket, small_csv):
        bucket.body = small_csv
        chosen = with_bucket(settings, bucket)
        first = load_catalogue(chosen)
        second = load_catalogue(chosen, network=False)
        assert (first.origin, second.origin) == ("bucket", "saved")
        assert first.generation == second.generation == '"1"'
        pd.testing.assert_frame_equal(first.frame, second.frame)

    def test_a_saved_copy_is_used_before_the_bucket_is_asked(self, settings, bucket, small_csv):
        bucket.body = small_csv
        chosen = with_bucket(settings, bucket)
        load_catalogue(chosen)
        asked = bucket.requests
        load_catalogue(chosen)
        assert bucket.requests == asked

    def test_a_saved_copy_tells_its_age(self, settings, bucket, small_csv):
        bucket.body = small_csv
        chosen = with_bucket(settings, bucket)
        before = datetime.now(UTC)
        load_catalogue(chosen)
        saved_at = load_catalogue(chosen, network=False).saved_at
        assert before <= saved_at <= datetime.now(UTC)

    def test_a_named_file_comes_first_and_needs_no_network(self, settings, small_csv, tmp_path, no_sockets):
        (tmp_path / "mine.csv").write_bytes(small_csv)
        chosen = dataclasses.replace(settings, index=str(tmp_path / "mine.csv"))
        catalogue = load_catalogue(chosen, network=False)
        assert (catalogue.origin, len(catalogue.frame)) == ("named", 30)

    def test_a_named_file_may_be_written_as_a_file_url(self, settings, small_csv, tmp_path):
        (tmp_path / "mine.csv").write_bytes(small_csv)
        chosen = dataclasses.replace(settings, index=f"file://{tmp_path}/mine.csv")
        assert load_catalogue(chosen, network=False).origin == "named"

    def test_a_missing_named_file_is_a_problem_and_the_next_source_is_used(self, settings):
        catalogue = load_catalogue(dataclasses.replace(settings, index="nowhere.csv"), network=False)
        assert catalogue.origin == "bundled"
        assert "nowhere.csv cannot be read" in catalogue.problems[0]

    def test_a_named_url_is_asked_on_every_start_and_its_copy_used_if_unchanged(self, settings, bucket, small_csv):
        bucket.body = small_csv
        chosen = dataclasses.replace(settings, index=f"{bucket.url}/index.csv")
        origins = [load_catalogue(chosen).origin for _ in range(2)]
        assert origins == ["named", "saved"]
        assert bucket.requests >= 2

    def test_a_named_url_that_fails_falls_back_to_its_own_copy(self, settings, bucket, small_csv):
        bucket.body = small_csv
        chosen = dataclasses.replace(settings, index=f"{bucket.url}/index.csv")
        load_catalogue(chosen)
        bucket.status = 403
        catalogue = load_catalogue(chosen)
        assert (catalogue.origin, len(catalogue.frame), len(catalogue.problems)) == ("saved", 30, 1)

    def test_a_bucket_may_be_a_folder(self, settings, small_csv, tmp_path, no_sockets):
        (tmp_path / "index.csv").write_bytes(small_csv)
        catalogue = load_catalogue(dataclasses.replace(settings, bucket=str(tmp_path)), network=False)
        assert (catalogue.origin, catalogue.problems) == ("bucket", ())

    def test_an_index_that_is_the_buckets_own_is_asked_once(self, settings):
        catalogue = load_catalogue(dataclasses.replace(settings, index=f"{settings.bucket}/index.csv"))
        assert len(catalogue.problems) == 1


class TestFailures:
    @pytest.mark.parametrize(("status", "word"), [(403, "403"), (404, "no ")])
    def test_a_bucket_that_refuses_yields_its_own_sentence(self, settings, bucket, status, word):
        bucket.status = status
        catalogue = load_catalogue(with_bucket(settings, bucket))
        assert catalogue.origin == "bundled"
        assert word in catalogue.problems[0]
        assert "VIT_BUCKET" in catalogue.problems[0]

    def test_the_three_ways_to_fail_are_told_apart(self, settings, bucket):
        sentences = {load_catalogue(settings).problems[0]}
        for bucket.status in (403, 404):
            sentences.add(load_catalogue(with_bucket(settings, bucket)).problems[0])
        assert len(sentences) == 3

    def test_an_error_page_instead_of_the_table_is_named(self, settings, bucket):
        bucket.body = b"<!doctype html><title>Service unavailable</title>"
        catalogue = load_catalogue(with_bucket(settings, bucket))
        assert "is a web page" in catalogue.problems[0]

    def test_an_error_page_leaves_the_last_good_copy(self, settings, bucket, small_csv):
        bucket.body = small_csv
        chosen = with_bucket(settings, bucket)
        load_catalogue(chosen)
        bucket.body, bucket.etag = b"<html>", '"2"'
        with pytest.raises(BadIndex, match="is a web page"):
            refresh_catalogue(chosen)
        assert len(load_catalogue(chosen, network=False).frame) == 30

    @pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 torn PAR1", b"name,ds\n"])
    def test_a_torn_or_foreign_copy_is_ignored_with_a_note(self, settings, content):
        path = saved_file(settings)
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        catalogue = load_catalogue(settings, network=False)
        assert catalogue.origin == "bundled"
        assert "damaged and was not used" in catalogue.problems[0]

    def test_a_copy_cut_anywhere_is_ignored(self, settings, bucket, small_csv):
        bucket.body = small_csv
        chosen = with_bucket(settings, bucket)
        load_catalogue(chosen)
        whole = saved_file(chosen).read_bytes()
        origins = set()
        for length in range(0, len(whole), len(whole) // 17):
            saved_file(chosen).write_bytes(whole[:length])
            origins.add(load_catalogue(chosen, network=False).origin)
        assert origins == {"bundled"}

    def test_a_parquet_file_of_another_program_is_ignored(self, settings):
        path = saved_file(settings)
        path.parent.mkdir(parents=True)
        pd.DataFrame({"name": ["B/16"]}).to_parquet(path)
        assert load_catalogue(settings, network=False).origin == "bundled"

    def test_a_cache_that_cannot_be_written_is_said_and_the_table_still_used(
        self, settings, bucket, small_csv, tmp_path
    ):
        bucket.body = small_csv
        (tmp_path / "file").write_text("in the way")
        chosen = dataclasses.replace(with_bucket(settings, bucket), cache_dir=tmp_path / "file")
        catalogue = load_catalogue(chosen)
        assert catalogue.origin == "bucket"
        assert "VIT_CACHE_DIR" in catalogue.problems[0]

    def test_an_unfinished_copy_of_a_killed_process_is_not_read(self, settings):
        folder = saved_file(settings).parent
        folder.mkdir(parents=True)
        (folder / ".writing-abc.parquet").write_bytes(b"PAR1")
        assert load_catalogue(settings, network=False).problems == ()


class TestRefresh:
    def test_an_unchanged_bucket_gives_none(self, settings, bucket, small_csv):
        bucket.body = small_csv
        chosen = with_bucket(settings, bucket)
        load_catalogue(chosen)
        assert refresh_catalogue(chosen) is None

    def test_a_changed_bucket_gives_the_new_table_and_saves_it(self, settings, bucket, small_csv, small_table):
        bucket.body = small_csv
        chosen = with_bucket(settings, bucket)
        load_catalogue(chosen)
        bucket.body, bucket.etag = small_table.head(7).to_csv(index=False).encode(), '"2"'
        fresh = refresh_catalogue(chosen)
        assert (len(fresh.frame), fresh.generation) == (7, '"2"')
        assert len(load_catalogue(chosen, network=False).frame) == 7

    @pytest.mark.parametrize(("status", "error"), [(401, AccessDenied), (403, AccessDenied), (404, ObjectMissing)])
    def test_a_refusal_is_raised(self, settings, bucket, status, error):
        bucket.status = status
        with pytest.raises(error):
            refresh_catalogue(with_bucket(settings, bucket))

    def test_no_network_is_raised(self, settings):
        with pytest.raises(Unreachable):
            refresh_catalogue(settings)

    def test_a_named_file_is_read_anew(self, settings, small_csv, tmp_path):
        path = tmp_path / "mine.csv"
        path.write_bytes(small_csv)
        chosen = dataclasses.replace(settings, index=str(path))
        assert len(refresh_catalogue(chosen).frame) == 30

    def test_many_readers_see_the_old_copy_or_the_new_one(self, settings, bucket, small_csv, small_table):
        bucket.body = small_csv
        chosen = with_bucket(settings, bucket)
        load_catalogue(chosen)
        seen: set[tuple[str, int]] = set()
        stop = threading.Event()

        def read():
            while not stop.is_set():
                catalogue = load_catalogue(chosen, network=False)
                seen.add((catalogue.origin, len(catalogue.frame)))

        reader = threading.Thread(target=read)
        reader.start()
        for turn in range(10):
            rows = 7 if turn % 2 else 30
            bucket.body, bucket.etag = small_table.head(rows).to_csv(index=False).encode(), f'"{turn + 2}"'
            refresh_catalogue(chosen)
        stop.set()
        reader.join()
        assert seen <= {("saved", 7), ("saved", 30)}


class TestVisitorsAddress:
    def test_a_table_is_read_and_no_copy_kept(self, settings, bucket, small_csv):
        bucket.body = small_csv
        catalogue = read_url(f"{bucket.url}/index.csv", with_bucket(settings, bucket))
        assert (catalogue.origin, len(catalogue.frame)) == ("named", 30)
        assert not settings.cache_dir.exists()

    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1:1/index.csv", "file:///etc/passwd", "http://169.254.169.254/x", "/etc/passwd"]
    )
    def test_addresses_inside_are_refused_without_asking(self, url, no_sockets, tmp_path):
        with pytest.raises(BadInput):
            read_url(url, Settings(cache_dir=tmp_path))


class TestRealIndex:
    def test_all_rows_and_files_are_there(self, published_csv):
        table = read_index(published_csv, location="index.csv").frame
        assert len(table) == 51_509
        assert table["filename"].nunique() == 759
        assert table["ds"].value_counts().to_dict() == {"i21k": 17_238, "i1k": 17_136, "i21k_30": 17_135}

    def test_its_values_arrive_digit_by_digit(self, published_csv, published_table):
        table = read_index(published_csv, location="index.csv").frame
        columns = ["final_val", "adapt_final_val", "adapt_final_test", "infer_samples_per_sec", "adapt_steps", "epochs"]
        pd.testing.assert_frame_equal(table[columns], published_table[columns], check_exact=True)

    def test_its_quirks_make_no_notes(self, published_csv):
        assert read_index(published_csv, location="index.csv").notes == ()

    def test_empty_cells_stay_empty(self, published_csv):
        table = read_index(published_csv, location="index.csv").frame
        b8 = table[table["name"] == "B/8"]
        assert b8["infer_samples_per_sec"].isna().all()
        assert b8["params_published"].isna().all()
        assert table["final_test"].isna().all()

    def test_wrong_parameters_are_corrected_with_a_note_and_kept_beside(self, published_csv):
        table = read_index(published_csv, location="index.csv").frame
        row = table[(table["name"] == "R50+L/32") & (table["adapt_resolution"] == 384)].iloc[0]
        assert (row["params"], row["params_published"]) == (329_090_000, 111_020_000)
        assert row["note"] == "The index gives 111,020,000 parameters; the model has 329,090,000."

    def test_either_spelling_of_the_short_pretraining_is_one_set(self, small_table):
        other = small_table.replace(
            {column: {"-i21k_30-30ep-": "-i21k-30ep-"} for column in ("filename", "adapt_filename")}, regex=True
        )
        frames = [read_index(table.to_csv(index=False).encode(), location="x").frame for table in (small_table, other)]
        assert frames[0]["ds"].equals(frames[1]["ds"])
        assert set(frames[1]["source"]) == {"augreg"}

    def test_row_order_does_not_matter(self, published_table):
        rows = published_table.head(2000)
        forward = read_index(rows.to_csv(index=False).encode(), location="x").frame
        backward = read_index(rows[::-1].to_csv(index=False).encode(), location="x").frame
        assert pretrained_files(forward)["filename"].tolist() == pretrained_files(backward)["filename"].tolist()

    def test_column_order_does_not_matter(self, small_table):
        turned = small_table[small_table.columns[::-1]]
        table = read_index(turned.to_csv(index=False).encode(), location="x").frame
        assert table["adapt_filename"].tolist() == small_table["adapt_filename"].tolist()


class TestOwnTables:
    def test_an_exported_table_reads_back_the_same(self, frame):
        again = read_index(frame.head(500).to_csv(index=False).encode(), location="export.csv")
        expected = frame.head(500)["final_val_source"].astype("str").tolist()
        assert again.frame["final_val_source"].astype("str").tolist() == expected
        assert again.frame["note"].astype("str").tolist() == frame.head(500)["note"].astype("str").tolist()

    def test_models_and_sets_outside_augreg_are_welcome(self, small_table):
        small_table["name"], small_table["ds"], small_table["adapt_ds"] = "Nano/4", "digits", "my flowers"
        small_table["filename"] = "nano"
        table = read_index(small_table.to_csv(index=False).encode(), location="mine.csv")
        assert set(table.frame["source"]) == {"yours"}
        assert table.notes == ()

    def test_values_out_of_range_are_kept_and_counted(self, small_table):
        small_table.loc[3, "final_val"] = 50.6
        catalogue = read_index(small_table.to_csv(index=False).encode(), location="mine.csv")
        assert catalogue.frame["final_val"].iloc[3] == 50.6
        assert any(
            "1 value of final_val is not 0 to 1 (the first is '50.6' in row 4)" in note for note in catalogue.notes
        )

    def test_a_folder_is_no_index(self, tmp_path):
        with pytest.raises(BadIndex, match="cannot be read"):
            read_index(tmp_path, location=str(tmp_path))

    def test_a_file_over_500_mb_is_refused_before_it_is_read(self, tmp_path):
        path = tmp_path / "huge.csv"
        with path.open("wb") as file:
            file.truncate(500_000_001)
        with pytest.raises(BadIndex, match="500 MB"):
            read_index(path, location="huge.csv")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_a_file_without_permission_is_named(self, tmp_path, small_csv):
        path = tmp_path / "secret.csv"
        path.write_bytes(small_csv)
        path.chmod(0)
        with pytest.raises(BadIndex, match="Permission denied"):
            read_index(path, location="secret.csv")


@pytest.mark.skipif(not (bundled_data_dir() / "demo/index.csv").exists(), reason="the demo bucket is not built")
def test_the_demo_table_is_its_own_catalogue():
    catalogue = load_demo()
    assert set(catalogue.frame["source"]) == {"demo"}
    assert catalogue.origin == "bundled"


def test_an_installation_without_its_tables_says_so(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("vit_core.catalog.index.bundled_data_dir", lambda: tmp_path)
    for load in (load_demo, lambda: load_catalogue(settings, network=False)):
        with pytest.raises(BadIndex, match="install the project again"):
            load()
