"""A process that makes one prediction: `python -m vit_core.bench.first_prediction FILE IMAGE`, timed from outside."""

import sys


def main(words: list[str]) -> None:
    """Print the likeliest class of an image."""
    from vit_core import load_predictor

    file, image = words
    best = load_predictor(file).classify([image], top_k=1)[0][0]
    sys.stdout.write(f"{best.index}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
