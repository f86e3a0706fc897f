"""The words of `bench`."""

from typing import TYPE_CHECKING

from vit_core.cli.numbers import number, whole

if TYPE_CHECKING:
    from vit_core.cli.words import Commands, Parser

# The keys of vit_core.bench.options.BENCHES and its DTYPES; a test holds them together.
BENCHES = ("infer", "train", "load", "start", "decode", "catalog", "pages")
DTYPES = ("auto", "float32", "bfloat16")


def add_bench(commands: "Commands", shared: "Parser") -> None:
    """Add `bench`."""
    parser = commands.add_parser(
        "bench",
        parents=[shared],
        help="measure how fast this machine is",
        description="Measure how fast this project is on this machine: medians and quartiles over windows, beside what "
        "the machine can do at best. Models have published shapes and random weights; nothing is downloaded.",
        epilog="Examples:\n  vit-explorer bench infer --model B/16 --batch 8\n"
        "  vit-explorer bench train --model S/16 --batch 32 --format json\n"
        "  vit-explorer bench catalog --to catalog.json\n\n"
        "infer: images per second from pixels to logits. train: fine-tuning steps. load: a checkpoint file to the\n"
        "device. start: process start to first prediction. decode: JPEG files to pixels, and to class names.\n"
        "catalog: the questions of pages and commands. pages: the app in a browser (needs the development packages).",
    )
    parser.add_argument("what", choices=BENCHES, metavar="WHAT", help=", ".join(BENCHES))
    parser.add_argument("--model", metavar="NAME", help="a published architecture, such as B/16 or R26+S/32")
    parser.add_argument("--batch", type=whole, metavar="N", help="images at a time")
    parser.add_argument("--resolution", type=whole, metavar="PX", help="side of the input (default 224)")
    parser.add_argument("--dtype", choices=DTYPES, default="auto", help="of products; auto as the product computes")
    parser.add_argument("--windows", type=whole, default=7, metavar="N", help="measurements of each figure (default 7)")
    parser.add_argument("--window-s", type=number, default=1.0, metavar="S", help="shortest window (default 1 second)")
    parser.add_argument("--threads", type=whole, metavar="N", help="keep to N cores of this machine (default all)")
    parser.add_argument("--to", metavar="FILE", help="also write the result as JSON into this file")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="how to print (default table)")
    parser.set_defaults(run="vit_core.cli.bench:run")
