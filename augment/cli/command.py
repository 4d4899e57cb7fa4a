"""The `augment` command. Each subcommand imports what it needs only once it is chosen."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence

from augment.cli.parser import Parser
from augment.errors import AugmentError

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand and return the exit code: see `augment --help` for what each one means."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    parser = Parser(
        prog="augment",
        description="Grow a small labelled text corpus into a larger one that can be trusted.",
        epilog="exit codes: 0 done; 1 unforeseen, resumable; 2 input or command wrong; "
        "3 quota not met within the budget, or the engine gone; 130 interrupted. "
        "The same command continues.",
    )
    parser.add_argument("--version", action="store_true", help="show the version and exit")
    commands = parser.add_subparsers(metavar="COMMAND", dest="command")
    for name, (_, help_text) in _COMMANDS.items():
        commands.add_parser(name, help=help_text, add_help=False)
    known, rest = parser.parse_known_args(arguments[:1])
    if known.version:
        return _version()
    if known.command is None:
        parser.print_help()
        return 0 if not rest else 2
    return _guarded(_COMMANDS[known.command][0], arguments[1:])


def _guarded(command: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> int:
    try:
        return command(arguments)
    except AugmentError as error:
        from evals.wording import visible

        said = "\n  ".join(visible(line) for line in str(error).split("\n"))
        sys.stderr.write(f"error: {said}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted. Run the same command again to continue.\n")
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has enough
        return 1
    except OSError as error:
        sys.stderr.write(f"error: {error}; what was committed before is kept\n")
        return 1


def _version() -> int:
    from importlib.metadata import version

    sys.stdout.write(f"augment {version('augment-corpora')}\n")
    return 0


def _run(arguments: Sequence[str]) -> int:
    """`augment run SEEDS ...`."""
    from augment.app import run
    from augment.cli.options import add_options, add_seeds, parted, settled
    from augment.cli.watched import carried_out, with_server
    from augment.setting import Inputs

    parser = Parser(
        prog="augment run",
        description="Run until every label has its accepted rows, or continue such a run.",
        epilog="with --serve, what stands after -- goes to vLLM as it is",
    )
    add_seeds(parser)
    add_options(parser)
    words, more = parted(arguments)
    options = parser.parse_args(words)
    recipe = settled(options, more=more)
    inputs = Inputs(seeds=options.seeds)
    return carried_out(with_server(run, inputs, recipe))


def _check(arguments: Sequence[str]) -> int:
    """`augment check FILE --seeds SEEDS ...`."""
    from augment.cli.check import main as check_main

    return check_main(arguments)


def _preview(arguments: Sequence[str]) -> int:
    """`augment preview SEEDS ...`."""
    from augment.cli.preview import main as preview_main

    return preview_main(arguments)


def _attributes(arguments: Sequence[str]) -> int:
    """`augment attributes SEEDS --recipe R.yaml`."""
    from augment.cli.attributes import main as attributes_main

    return attributes_main(arguments)


def _seeds(arguments: Sequence[str]) -> int:
    """`augment seeds FILE --recipe R.yaml`."""
    from augment.cli.seeds import main as seeds_main

    return seeds_main(arguments)


def _serve(arguments: Sequence[str]) -> int:
    """`augment serve MODEL`."""
    from augment.cli.serve import main as serve_main

    return serve_main(arguments)


def _doctor(arguments: Sequence[str]) -> int:
    """`augment doctor`."""
    from augment.cli.doctor import main as doctor_main

    return doctor_main(arguments)


def _export(arguments: Sequence[str]) -> int:
    """`augment export DIR --to FORMAT`."""
    from augment.cli.export import main as export_main

    return export_main(arguments)


def _prompts(arguments: Sequence[str]) -> int:
    """`augment prompts list|show|render`."""
    from augment.cli.prompts import main as prompts_main

    return prompts_main(arguments)


_COMMANDS: dict[str, tuple[Callable[[Sequence[str]], int], str]] = {
    "run": (_run, "make accepted rows from seeds, or continue a run"),
    "preview": (_preview, "show three prompts with their answers, and estimate the run"),
    "check": (_check, "put rows from anywhere through the filters"),
    "export": (_export, "write the rows of a run, or of a file, for another tool"),
    "seeds": (_seeds, "have rows proposed to start from, where there are none"),
    "attributes": (_attributes, "have attributes of rows proposed, for the recipe"),
    "prompts": (_prompts, "list, show or render the prompt templates"),
    "serve": (_serve, "start vLLM for this machine, until Ctrl-C"),
    "doctor": (_doctor, "say what this machine has and what is missing for what"),
}
