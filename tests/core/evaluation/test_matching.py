"""Classes of the data meet the outputs of the checkpoint by one rule, which is said."""

import pytest

from vit_core.errors import BadDataset
from vit_core.evaluation.matching import check_table, match_classes, wordnet_ids
from vit_core.inference.labels import labels_for


def outputs(matching):
    return dict(matching.outputs)


def test_exact_names_come_first(labels_of):
    # "1" is also the number of an output; the name decides.
    matching = match_classes(["1", "0"], labels_of("1", "0"), checkpoint="m")
    assert outputs(matching) == {"1": 0, "0": 1}
    assert matching.rule == "Classes are matched by their exact names."


@pytest.mark.parametrize("written", ["Egyptian_cat", "egyptian cat", "EGYPTIAN  CAT", "egyptian-cat"])
def test_capitals_underscores_and_spaces_do_not_matter(labels_of, written):
    matching = match_classes([written], labels_of("dog", "Egyptian cat"), checkpoint="m")
    assert outputs(matching) == {written: 1}
    assert "without regard to capitals" in matching.rule


def test_imagenet_folders_are_found_by_their_wordnet_identifiers():
    labels = labels_for("m.npz", 1000)
    matching = match_classes(["n01440764", "n15075141"], labels, checkpoint="m")
    assert outputs(matching) == {"n01440764": 0, "n15075141": 999}
    assert "WordNet" in matching.rule


def test_every_output_of_imagenet_has_an_identifier_in_their_order():
    assert len(wordnet_ids("imagenet2012")) == 1000
    assert len(wordnet_ids("i21k")) == 21_843
    assert list(wordnet_ids("i21k")) == sorted(wordnet_ids("i21k"))


def test_imagenet_folders_are_found_among_the_classes_of_imagenet_21k():
    labels = labels_for("m.npz", 21_843)
    matching = match_classes(["n01440764"], labels, checkpoint="m")
    assert labels.names[matching.outputs["n01440764"]] == "tench"


def test_numbers_are_places_of_outputs(labels_of):
    matching = match_classes(["0", "002"], labels_of("cat", "dog", "owl"), checkpoint="m")
    assert outputs(matching) == {"0": 0, "002": 2}
    assert "by their numbers" in matching.rule


def test_a_class_that_the_checkpoint_lacks_is_refused_with_close_names(labels_of):
    with pytest.raises(BadDataset) as error:
        match_classes(["cat", "tulp", "mars"], labels_of("cat", "tulip", "rose"), checkpoint="my-model")
    message = str(error.value)
    assert "The class 'tulp' of the data is none of the 3 classes of 'my-model'. Did you mean 'tulip'?" in message
    assert "1 other class is unknown, too." in message


def test_a_class_like_no_other_is_refused_with_some_of_the_names(labels_of):
    with pytest.raises(BadDataset, match=r"Its classes are 'cat', 'dog'\."):
        match_classes(["zeppelin"], labels_of("cat", "dog"), checkpoint="m")


def test_a_number_past_the_last_output_is_refused(labels_of):
    with pytest.raises(BadDataset, match="The class '2' of the data is none"):
        match_classes(["0", "1", "2"], labels_of("cat", "dog"), checkpoint="m")


def test_a_name_of_two_outputs_is_refused_with_both(labels_of):
    with pytest.raises(BadDataset, match="'crane' of the data may be the outputs 0 and 2"):
        match_classes(["crane", "dog"], labels_of("crane", "dog", "crane"), checkpoint="m")


def test_a_table_sends_classes_to_names_or_numbers(labels_of):
    labels = labels_of("crane", "dog", "crane", "owl")
    matching = match_classes(
        ["kran", "hund", "owl"], labels, checkpoint="m", table={"kran": "2", "hund": "Dog", "unused": "x"}
    )
    assert outputs(matching) == {"kran": 2, "hund": 1, "owl": 3}
    assert "2 of 3 classes are matched by the table" in matching.rule


def test_a_table_with_an_unknown_target_is_refused(labels_of):
    with pytest.raises(BadDataset, match=r"sends the class 'hund' to 'dgo'.*Did you mean 'dog'\?"):
        match_classes(["hund"], labels_of("cat", "dog"), checkpoint="m", table={"hund": "dgo"})


def test_two_classes_of_one_output_are_said(labels_of):
    matching = match_classes(["Cat", "cat"], labels_of("CAT", "dog"), checkpoint="m")
    assert outputs(matching) == {"Cat": 0, "cat": 0}
    assert "'Cat' and 'cat' are the same class." in matching.rule


def test_a_table_with_a_target_of_two_outputs_is_refused_with_both(labels_of):
    labels = labels_of("crane", "dog", "crane")
    with pytest.raises(BadDataset, match=r"to 'crane', which may be the outputs 0 and 2 of 'm'; give the number"):
        match_classes(["kran"], labels, checkpoint="m", table={"kran": "crane"})


def test_a_table_with_a_class_that_the_data_does_not_have_is_refused_by_its_name():
    with pytest.raises(BadDataset, match=r"has 'neuff', which is no class of the data\. Did you mean 'neuf'\?"):
        check_table({"acht": "8", "neuff": "9"}, ["acht", "neuf"])
