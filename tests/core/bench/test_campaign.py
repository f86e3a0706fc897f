"""All of it within its time."""

from benchmarks.campaign import main, parts
from benchmarks.growth import parts as growth_parts


def test_the_budgets_of_all_parts_are_below_25_minutes():
    assert sum(part.minutes for part in parts()) < 25


def test_a_quick_look_at_growth_fits_into_its_budget():
    minutes = next(part.minutes for part in parts() if part.name == "growth")

    assert sum(part.quick_s for part in growth_parts().values()) <= 60 * minutes


def test_the_list_says_what_would_be_run_and_runs_nothing(capsys, tmp_path):
    assert main(["--list", "--folder", str(tmp_path)]) == 0

    printed = capsys.readouterr().out
    assert all(f"\n{part.name}, up to {part.minutes:g} minutes" in printed for part in parts())
    assert list(tmp_path.iterdir()) == []
