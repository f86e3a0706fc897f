"""Compare the lists of class names here with packages that have them from elsewhere; README.md has the result.

    python data/labels/check.py TIMM_WHEEL WHEEL ...

Further wheels, any of: `torchvision`, `mmpretrain`, `clip_benchmark`, `keras`; all are read as zip files and never
imported. Prints a line for each comparison, and exits with 1 where an order differs. Names are compared by their
letters and digits alone, for spelling differs between packages.
"""

import ast
import json
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Names of one flower in clip_benchmark that are words of its authors; the flowers before and after them agree.
OTHER_WORDS = {"pink and yellow dahlia": "pink-yellow dahlia?", "air plant": "ball moss"}


def letters(name: str) -> str:
    """Give what two spellings of a name share."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def ours(name: str) -> list[str]:
    """Give a list of this folder."""
    return (HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def lists_in(text: str) -> dict[str, list[str]]:
    """Give the lists and tuples of texts that a module assigns, those of its classes too, without running it."""
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List | ast.Tuple):
            try:
                found[getattr(node.targets[0], "id", "")] = list(ast.literal_eval(node.value))
            except ValueError:  # made of other things than plain values
                continue
    return found


def torchvision(wheel: zipfile.ZipFile, lemmas: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Compare with torchvision's ImageNet categories and Flowers102."""
    theirs = lists_in(wheel.read("torchvision/models/_meta.py").decode())["_IMAGENET_CATEGORIES"]
    same = [letters(name) in map(letters, [*all_.split(", "), all_]) for name, all_ in zip(theirs, lemmas, strict=True)]
    # "crane bird" is their word for the crane that is a bird.
    yield f"imagenet2012: {sum(same)} of 1,000 are among the lemmas at their place", sum(same) >= 999
    flowers = lists_in(wheel.read("torchvision/datasets/flowers102.py").decode())["classes"]
    yield "oxford_flowers102: equal", flowers == ours("oxford_flowers102")


def mmpretrain(wheel: zipfile.ZipFile) -> Iterator[tuple[str, bool]]:
    """Compare with mmpretrain's categories."""
    theirs = lists_in(wheel.read("mmpretrain/datasets/categories.py").decode())
    names = {"cifar10": "CIFAR10", "cifar100": "CIFAR100", "oxford_iiit_pet": "OxfordIIITPet"}
    for name, their_name in names.items():
        yield f"{name}: equal", _same(ours(name), theirs[f"{their_name}_CATEGORIES"])


def clip_benchmark(wheel: zipfile.ZipFile) -> Iterator[tuple[str, bool]]:
    """Compare with clip_benchmark's English class names, which follow tfds."""
    theirs = json.loads(wheel.read("clip_benchmark/datasets/en_classnames.json"))
    flowers = [OTHER_WORDS.get(name, name) for name in theirs["flowers"]]
    yield "oxford_flowers102: equal but for the words for two", _same(ours("oxford_flowers102"), flowers)
    yield "oxford_iiit_pet: equal", _same(ours("oxford_iiit_pet"), theirs["pets"])
    cars = theirs["kitti_closest_vehicle_distance"]
    words = ("my left or right", "nearby", "in the distance", "no car")
    yield "kitti: from near to none", all(word in name for word, name in zip(words, cars, strict=True))


def keras(wheel: zipfile.ZipFile) -> Iterator[tuple[str, bool]]:
    """Compare with the table in keras's documentation of CIFAR-10."""
    rows = re.findall(r"\|\s+(\d)\s+\|\s+(\w+)\s+\|", wheel.read("keras/src/datasets/cifar10.py").decode())
    yield "cifar10: equal", [name for _, name in sorted(rows)] == ours("cifar10")


def by_themselves(timm: zipfile.ZipFile) -> Iterator[tuple[str, bool]]:
    """Check what the lists must be by their own rule."""
    info = "timm/data/_info/"
    i21k = timm.read(f"{info}imagenet21k_goog_synsets.txt").decode().split()
    fall11 = timm.read(f"{info}imagenet22k_synsets.txt").decode().split()
    yield "i21k: sorted, no identifier twice", i21k == sorted(set(i21k))
    # google-research/big_transfer, issue 18 names the two that Google's classifiers have beside the public 21,841.
    yield "i21k: fall 2011's plus n03931044, n09859684", set(i21k) - set(fall11) == {"n03931044", "n09859684"}
    yield "i21k: nothing of fall 2011 is missing", set(fall11) <= set(i21k)
    scenes = [name.replace(" ", "_") for name in ours("resisc45")]
    yield "resisc45: the order of its folders", scenes == sorted(scenes)


def _same(names: Sequence[str], theirs: Sequence[str]) -> bool:
    return [letters(name) for name in names] == [letters(name) for name in theirs]


def main(timm_path: str, *others: str) -> int:
    """Print what agrees, and what does not."""
    with zipfile.ZipFile(timm_path) as timm:
        lemmas = dict(line.split("\t", 1) for line in _lines(timm, "imagenet_synset_to_lemma.txt"))
        places = [lemmas[synset] for synset in _lines(timm, "imagenet_synsets.txt")]
        results = list(by_themselves(timm))
    checks = {"mmpretrain": mmpretrain, "clip_benchmark": clip_benchmark, "keras": keras}
    for path in others:
        package = Path(path).name.split("-")[0]
        with zipfile.ZipFile(path) as wheel:
            found = torchvision(wheel, places) if package == "torchvision" else checks[package](wheel)
            results += [(f"{package}, {words}", good) for words, good in found]
    for words, good in results:
        print("agrees " if good else "DIFFERS", words)
    return 0 if all(good for _, good in results) else 1


def _lines(timm: zipfile.ZipFile, name: str) -> list[str]:
    return timm.read(f"timm/data/_info/{name}").decode().splitlines()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
