"""The words of `evaluate`."""

import argparse
from typing import TYPE_CHECKING

from vit_core.cli.numbers import whole

if TYPE_CHECKING:
    from vit_core.cli.words import Commands, Parser

# The keys of vit_core.evaluation.measure.PREPROCESS, which would cost JAX here; a test holds them together.
PREPROCESS = ("original", "timm")


def add_evaluate(commands: "Commands", shared: "Parser") -> None:
    """Add `evaluate`."""
    parser = commands.add_parser(
        "evaluate",
        parents=[shared],
        help="measure how right a checkpoint is on images by class",
        description="Measure a checkpoint on images whose classes are known: top-1 and top-5 with intervals, every "
        "class, calibration, confusions and speed. Of a source with a train and a test part, the test part is judged. "
        "Images that cannot be read are left out and listed.",
        epilog="Examples:\n  vit-explorer evaluate --checkpoint NAME --data photos/ --output report\n"
        "  vit-explorer evaluate --checkpoint run:flowers --data test.csv --format json\n"
        "  vit-explorer evaluate --checkpoint NAME --data imagenet/val --preprocess timm --limit 1000",
    )
    parser.add_argument(
        "--checkpoint", required=True, metavar="NAME", help="name in the catalogue, a file, or run:NAME"
    )
    parser.add_argument(
        "--data", required=True, metavar="SOURCE", help="folder CLASS/x.jpg, .zip of one, .csv of file,label, tfds:NAME"
    )
    parser.add_argument(
        "--preprocess",
        choices=PREPROCESS,
        default="original",
        help="as the original evaluated: the whole picture squeezed to a square (default); or as timm: the middle",
    )
    parser.add_argument("--labels", metavar="FILE", help="the checkpoint's class names, one per line")
    parser.add_argument(
        "--map", metavar="FILE", help="csv of dataset_class,checkpoint_class where the names differ", dest="table"
    )
    parser.add_argument(
        "--num-heads", type=whole, metavar="N", help="attention heads, for a file that does not tell them"
    )
    parser.add_argument("--resolution", type=whole, metavar="PX", help="side of the input; else the checkpoint's own")
    parser.add_argument("--batch", type=whole, metavar="N", help="images computed at a time (CPU 32, else 128)")
    parser.add_argument("--limit", type=whole, metavar="N", help="judge only N images, taken evenly from all classes")
    parser.add_argument("--output", metavar="DIR", help="also write report.html, report.json and predictions.csv")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--work-dir", help=argparse.SUPPRESS)  # the two flags of whoever starts us and waits for us
    parser.add_argument("--ends-with-input", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(run="vit_core.cli.evaluate:run")
