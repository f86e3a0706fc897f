"""The words of the command line: every command, its flags, their help.

Knows which module runs a command, by name: nothing is imported before it is known what was asked, so that `--help` and
`app` do not wait for pandas or JAX.
"""

import argparse
import textwrap
from typing import Any, NoReturn, TypeAlias

from vit_core.cli.numbers import whole
from vit_core.cli.words_bench import add_bench
from vit_core.cli.words_evaluate import add_evaluate
from vit_core.cli.words_runs import add_finetune, add_runs
from vit_core.errors import shorten
from vit_core.settings import DEVICES

EXIT_BAD_INPUT = 2
_WIDTH = 100  # of a description; argparse wraps it only where it would join the lines of the examples too
_LONGEST = 400  # letters of a complaint, which repeats what was typed
FORMATS = ("table", "json", "csv")
_FORMAT_HELP = "how to print (default table)"
CHECKPOINT_HELP = (
    "name in the catalogue, a file of weights, run:NAME for a finished run, hf:OWNER/REPO of the Hugging Face Hub, or "
    "an https:// or gs:// address"
)
_HEADS_HELP = "attention heads, for a file that does not tell them"
# The keys of vit_core.preprocess.METHODS, which would cost numpy and Pillow here; a test holds them together.
PREPROCESSING = ("resize", "crop")
# What add_subparsers gives; argparse has no public name for it.
Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line and whose help keeps the examples' lines."""

    def __init__(self, **keywords: Any) -> None:  # noqa: ANN401  # argparse's own keywords, passed on
        if keywords.get("description"):
            keywords["description"] = textwrap.fill(keywords["description"], _WIDTH)
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **keywords)

    def error(self, message: str) -> NoReturn:
        """Write one line and exit with 2."""
        line = shorten(message, _LONGEST)
        self.exit(EXIT_BAD_INPUT, f"{self.prog}: {line}; see {self.prog} --help\n")


def build_parser() -> Parser:
    """Give the parser with all commands; `run` of what it parses is "module:function"."""
    parser = Parser(
        prog="vit-explorer",
        description="Find, understand and run Vision Transformer checkpoints.",
        epilog="Examples:\n  vit-explorer catalog --recommended\n  vit-explorer COMMAND --help\n\n"
        "Results go to standard output, all else to standard error. Exit codes: 0 done, 1 failed, 2 bad input,\n"
        "130 stopped by Ctrl+C.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    shared = _shared_flags()
    for add in (
        _add_catalog,
        _add_show,
        _add_download,
        _add_classify,
        add_evaluate,
        add_finetune,
        add_runs,
        _add_export,
        add_bench,
        _add_app,
    ):
        add(commands, shared)
    return parser


def _shared_flags() -> Parser:
    flags = Parser(add_help=False)
    group = flags.add_argument_group("settings (each wins over its environment variable)")
    group.add_argument("--bucket", metavar="URL", help="bucket or folder of index.csv and NAME.npz (VIT_BUCKET)")
    group.add_argument(
        "--index", metavar="URL", help="another table of checkpoints than the bucket's: file or URL (VIT_INDEX)"
    )
    group.add_argument("--cache-dir", metavar="DIR", help="where downloads are kept (VIT_CACHE_DIR)")
    group.add_argument("--cache-limit", metavar="SIZE", help="how much of them is kept, such as 20G (VIT_CACHE_LIMIT)")
    group.add_argument("--runs-dir", metavar="DIR", help="folder of runs, also for run:NAME (VIT_RUNS_DIR)")
    group.add_argument("--device", choices=DEVICES, help="what computes; auto is the fastest there is (VIT_DEVICE)")
    return flags


def _add_catalog(commands: Commands, shared: Parser) -> None:
    parser = commands.add_parser(
        "catalog",
        parents=[shared],
        help="list checkpoints",
        description="List checkpoints. A row is a pre-trained file, or a fine-tuned one where --where, --sort or "
        "--columns name a column of fine-tuning (adapt_…).",
        epilog="Examples:\n  vit-explorer catalog --recommended\n"
        '  vit-explorer catalog --where \'ds == "i21k" and name == "B/16"\' --sort final_val --limit 3\n'
        "  vit-explorer catalog --search 'B/16 pets' --level fine-tunes --format csv\n"
        "  vit-explorer catalog --release SAM --release GSAM",
    )
    parser.add_argument("--where", metavar="EXPR", help="a condition on columns, such as 'wd < 0.1 and ds == \"i21k\"'")
    parser.add_argument(
        "--search", default="", metavar="WORDS", help="words that must all occur in a file's name or description"
    )
    parser.add_argument(
        "--release", action="append", metavar="NAME", help="only files of this release: AugReg, SAM, timm …; may repeat"
    )
    parser.add_argument("--recommended", action="store_true", help="only the recommended file of each model")
    parser.add_argument(
        "--fits", choices=("classify", "fine-tune"), help="only models that this machine has the memory for, by formula"
    )
    parser.add_argument(
        "--memory", metavar="SIZE", help="another memory for --fits, such as 8G (default: what is free)"
    )
    parser.add_argument(
        "--level", choices=("auto", "files", "fine-tunes"), default="auto", help="what a row is (auto: see above)"
    )
    parser.add_argument("--sort", metavar="COLUMN", help="largest first (default final_val)")
    parser.add_argument("--ascending", action="store_true", help="smallest first")
    parser.add_argument("--limit", type=whole, default=None, metavar="N", help="at most N rows (default 20 in a table)")
    parser.add_argument("--columns", metavar="A,B,…", help="columns to print; --format csv shows all there are")
    parser.add_argument("--demo", action="store_true", help="the demo bucket that comes with the project")
    parser.add_argument("--offline", action="store_true", help="do not ask the network")
    parser.add_argument("--format", choices=FORMATS, default="table", help=_FORMAT_HELP)
    parser.set_defaults(run="vit_core.cli.catalog:run_catalog")


def _add_show(commands: Commands, shared: Parser) -> None:
    parser = commands.add_parser(
        "show",
        parents=[shared],
        help="explain one checkpoint",
        description="Explain one checkpoint: its origin, its recipe, how well it does, how to load it.",
        epilog="Example:\n  vit-explorer show B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0",
    )
    parser.add_argument("name", metavar="NAME", help="filename or adapt_filename, as `catalog` prints it")
    parser.add_argument("--offline", action="store_true", help="do not ask the network")
    parser.add_argument("--format", choices=("table", "json"), default="table", help=_FORMAT_HELP)
    parser.set_defaults(run="vit_core.cli.catalog:run_show")


def _add_download(commands: Commands, shared: Parser) -> None:
    parser = commands.add_parser(
        "download",
        parents=[shared],
        help="fetch checkpoints, checked and resumable",
        description="Fetch checkpoints into the cache (or a folder) and print the path of each.",
        epilog="Example:\n  vit-explorer download R26_S_32-i21k-300ep-lr_0.001-aug_light1-wd_0.1-do_0.0-sd_0.0 --to .",
    )
    parser.add_argument(
        "names",
        nargs="+",
        metavar="NAME",
        help="name of a checkpoint, as `catalog` prints it, run:NAME, hf:OWNER/REPO or an address",
    )
    parser.add_argument("--to", metavar="DIR", help="also put a copy into this folder")
    parser.set_defaults(run="vit_core.cli.download:run")


def _add_classify(commands: Commands, shared: Parser) -> None:
    parser = commands.add_parser(
        "classify",
        parents=[shared],
        help="name what is on images",
        description="Name what is on images. An image that cannot be read is named on standard error, the others are "
        "answered, and the exit code is 2.",
        epilog="Example:\n  vit-explorer classify --checkpoint NAME photos/*.jpg --top-k 3 --format json",
    )
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files, or folders of them")
    parser.add_argument("--checkpoint", required=True, metavar="NAME", help=CHECKPOINT_HELP)
    parser.add_argument("--top-k", type=whole, default=5, metavar="K", help="classes per image (default 5)")
    parser.add_argument("--resolution", type=whole, metavar="PX", help="side of the input; else the checkpoint's own")
    parser.add_argument("--num-heads", type=whole, metavar="N", help=_HEADS_HELP)
    parser.add_argument(
        "--preprocessing",
        choices=PREPROCESSING,
        default="resize",
        help="the original evaluation's plain resize (default), or timm's centre crop",
    )
    parser.add_argument(
        "--labels", metavar="FILE", help="class names in the outputs' order: a line each, or a .json list"
    )
    parser.add_argument("--format", choices=FORMATS, default="table", help=_FORMAT_HELP)
    parser.set_defaults(run="vit_core.cli.classify:run")


def _add_export(commands: Commands, shared: Parser) -> None:
    parser = commands.add_parser(
        "export",
        parents=[shared],
        help="write a checkpoint or the result of a run for other programs",
        description="Write a folder with the weights as .npz and as .safetensors with timm's config.json, the class "
        "names, a card and a script that loads them; print the path of each file.",
        epilog="Examples:\n  vit-explorer export --checkpoint run:my-run --to my-model\n"
        "  vit-explorer export --checkpoint Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0 --to ti16 "
        "--stablehlo",
    )
    parser.add_argument("--checkpoint", required=True, metavar="NAME", help=CHECKPOINT_HELP)
    parser.add_argument("--to", required=True, metavar="DIR", help="the folder to make; an empty one may be there")
    parser.add_argument(
        "--stablehlo", action="store_true", help="also write model.stablehlo, which JAX runs without this project"
    )
    parser.add_argument("--num-heads", type=whole, metavar="N", help=_HEADS_HELP)
    parser.add_argument("--format", choices=("table", "json"), default="table", help=_FORMAT_HELP)
    parser.set_defaults(run="vit_core.cli.export:run")


def _add_app(commands: Commands, shared: Parser) -> None:
    parser = commands.add_parser(
        "app",
        parents=[shared],
        help="start the web page",
        description="Start the web page and print its address.",
        epilog="Example:\n  vit-explorer app --port 8600",
    )
    parser.add_argument("--port", type=whole, help="port to listen on (default 8501)")
    parser.add_argument("--address", help="address to listen on (default 127.0.0.1: this machine only)")
    parser.set_defaults(run="vit_core.cli.app:run")
