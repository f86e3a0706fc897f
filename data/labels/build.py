"""Make the lists of class names in this folder; README.md says what each one is and where it comes from.

    python data/labels/build.py TIMM_WHEEL TFDS_WHEEL

TIMM_WHEEL is `timm-1.0.31-py3-none-any.whl`, TFDS_WHEEL is `tensorflow_datasets-4.9.10-py3-none-any.whl`; both are read
as zip files and never imported. The same wheels give the same bytes.
"""

import ast
import collections
import gzip
import sys
import textwrap
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TIMM = "timm/data/_info/"
TFDS = "tensorflow_datasets/datasets/"

# `fine_label_names.txt` of cifar-100-binary.tar.gz, the file whose order tfds takes for the classes of "cifar100"
# (tensorflow_datasets/image_classification/cifar.py, `label_files`; a copy of the names is kept beside its cifar100_n).
CIFAR100 = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree
wolf woman worm
"""

# `batches.meta.txt` of cifar-10-binary.tar.gz, whose order tfds takes for "cifar10" in the same way.
CIFAR10 = "airplane automobile bird cat deer dog frog horse ship truck"

# VTAB's task "closest_vehicle_distance": the class is the last of the thresholds (-100, 8, 20, 999) that lies below the
# distance in metres to the nearest car, van or truck, 1000 where there is none
# (google-research/task_adaptation, task_adaptation/data/kitti.py, `_closest_vehicle_distance_pp`).
KITTI = [
    "nearest vehicle up to 8 m away",
    "nearest vehicle 8 to 20 m away",
    "nearest vehicle more than 20 m away",
    "no vehicle",
]


def read_lines(wheel: zipfile.ZipFile, name: str) -> list[str]:
    """Read the lines of a text file in a wheel."""
    return wheel.read(name).decode("utf-8").splitlines()


def read_table(wheel: zipfile.ZipFile, name: str) -> dict[str, str]:
    """Read a file of two columns, synset and text."""
    return dict(line.split("\t", 1) for line in read_lines(wheel, name))


def read_list(wheel: zipfile.ZipFile, module: str, variable: str) -> list[str]:
    """Read the list assigned to `variable` from the text of a module, without running it."""
    for node in ast.parse(wheel.read(module).decode("utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == variable:
            return list(ast.literal_eval(node.value))
    raise SystemExit(f"{module} has no list {variable}")


def repeated(names: list[str]) -> set[str]:
    """Give the names that occur more than once."""
    return {name for name, count in collections.Counter(names).items() if count > 1}


def start_of(definition: str) -> str:
    """Cut a definition to its first part, at most 60 characters, at a word's end."""
    return textwrap.shorten(definition.split(";")[0].split(" (")[0], 60, placeholder=" …")


def readable(synsets: list[str], lemmas: dict[str, str], definitions: dict[str, str]) -> list[str]:
    """Give each synset the shortest name that no other one has.

    The first lemma; where several synsets share it all lemmas; where they share those too the start of the definition
    in brackets, and in the end the synset's own identifier.
    """
    stages = [
        [lemmas[synset].split(", ")[0] for synset in synsets],
        [lemmas[synset] for synset in synsets],
        [f"{lemmas[synset]} ({start_of(definitions[synset])})" for synset in synsets],
        [f"{lemmas[synset]} ({synset})" for synset in synsets],
    ]
    names = stages[0]
    for longer in stages[1:]:
        shared = repeated(names)
        names = [long if name in shared else name for name, long in zip(names, longer, strict=True)]
    return names


def write(name: str, lines: list[str]) -> None:
    """Write one name per line; two equal names would make two classes look like one."""
    if repeated(lines):
        raise SystemExit(f"{name} has equal names: {repeated(lines)}")
    (HERE / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_definitions(name: str, synsets: list[str], definitions: dict[str, str]) -> None:
    """Write lines of synset, tab, definition; the time stamp is left out so that the bytes do not change."""
    text = "".join(f"{synset}\t{definitions[synset]}\n" for synset in synsets)
    (HERE / name).write_bytes(gzip.compress(text.encode("utf-8"), mtime=0))


def main(timm_path: str, tfds_path: str) -> None:
    """Write all lists."""
    with zipfile.ZipFile(timm_path) as timm:
        lemmas = read_table(timm, TIMM + "imagenet_synset_to_lemma.txt")
        definitions = read_table(timm, TIMM + "imagenet_synset_to_definition.txt")
        synsets = {
            "imagenet2012": read_lines(timm, TIMM + "imagenet_synsets.txt"),
            "i21k": read_lines(timm, TIMM + "imagenet21k_goog_synsets.txt"),
        }
    with zipfile.ZipFile(tfds_path) as tfds:
        if synsets["imagenet2012"] != read_lines(tfds, TFDS + "imagenet2012/labels.txt"):
            raise SystemExit("timm and tfds differ in the order of the ImageNet classes")
        pets = read_list(tfds, TFDS + "oxford_iiit_pet/oxford_iiit_pet_dataset_builder.py", "_LABEL_CLASSES")
        scenes = read_list(tfds, TFDS + "resisc45/resisc45_dataset_builder.py", "_LABELS")
        flowers = read_list(tfds, TFDS + "oxford_flowers102/oxford_flowers102_dataset_builder.py", "_NAMES")
    for name, ids in synsets.items():
        write(f"{name}.txt", readable(ids, lemmas, definitions))
        write_definitions(f"{name}_definitions.tsv.gz", ids, definitions)
    lists = {"oxford_iiit_pet": pets, "resisc45": scenes, "oxford_flowers102": flowers}
    lists |= {"cifar10": CIFAR10.split(), "cifar100": CIFAR100.split()}
    for name, raw in lists.items():
        write(f"{name}.txt", [text.replace("_", " ") for text in raw])
    write("kitti.txt", KITTI)


if __name__ == "__main__":
    main(*sys.argv[1:])
