"""The command line: commands, and how errors become one line and an exit code.

Exit codes: 0 all done; 1 some inputs failed (the others are done); 2 wrong usage; 130 interrupted;
143 told to end (SIGTERM).
"""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Annotated, ParamSpec

import typer
from typer.exceptions import TyperException

from nuriwake.errors import InputError, NuriwakeError, OutputError, RunCancelled, one_line
from nuriwake.faces.cli_evaluate import bench, evaluate
from nuriwake.faces.cut_command import cut
from nuriwake.faces.info_commands import info, recipes
from nuriwake.faces.model_commands import apply, fit
from nuriwake.faces.segment_command import segment
from nuriwake.faces.serve_command import serve
from nuriwake.faces.web.command import open_page
from nuriwake.faces.wording import in_flags
from nuriwake.machine import let_waiting_threads_sleep

Arguments = ParamSpec("Arguments")
#: New objects before the interpreter looks for garbage. Importing PyTorch makes very many that
#: stay, and looking through them again and again is felt in a run of a few seconds.
_OBJECTS_BEFORE_COLLECTION = 50_000
#: When Ctrl-C comes again where it met code that cannot raise, such as a deletion.
_AGAIN_SECONDS = 0.02

app = typer.Typer(
    help="Segment any raster with no labels: a small network is trained on the image itself.",
    # Plain help: rich would take a third of the time in which help answers.
    rich_markup_mode=None,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"nuriwake {version('nuriwake')}")
        raise typer.Exit


@app.callback()
def _common(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback answers
        bool,
        typer.Option("--version", help="show the version", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _told_of_ctrl_c(command: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Let :func:`run` say that a command was interrupted; typer would end it without a word."""

    @functools.wraps(command)
    def run_command(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except KeyboardInterrupt as interrupt:
            raise RunCancelled("interrupted") from interrupt

    return run_command


for command in (segment, cut, fit, apply, evaluate, bench, info, recipes):
    app.command()(_told_of_ctrl_c(command))
app.command("app")(_told_of_ctrl_c(open_page))
app.add_typer(serve, name="serve")


def main() -> None:
    """Run the command line and exit."""
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
    let_waiting_threads_sleep(os.environ)
    quieten_libraries()
    signal.signal(signal.SIGTERM, _end_process(os.getpid()))
    code = run(sys.argv[1:])
    # What the interpreter would say at its end of an output that it cannot write was said before.
    sys.stdout = sys.stderr = None
    # The interpreter would look through all that was imported once more before it ends.
    gc.freeze()
    sys.exit(code)


def quieten_libraries() -> None:
    """Keep what libraries log and warn of away from our own lines, unless ``-W`` asks for it."""
    logging.getLogger().addHandler(logging.NullHandler())
    # What our own servers log is for those who run them.
    ours = logging.StreamHandler()
    ours.setFormatter(logging.Formatter("nuriwake: %(message)s"))
    logging.getLogger("nuriwake").addHandler(ours)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        sys.unraisablehook = _hear_ignored


def _hear_ignored(ignored: sys.UnraisableHookArgs) -> None:
    """Hear of what could not be raised; Ctrl-C comes again then.

    The others are such as rasterio's, when it cannot decode a message of GDAL's: its error comes
    anyway.
    """
    if issubclass(ignored.exc_type, KeyboardInterrupt):
        threading.Timer(_AGAIN_SECONDS, signal.raise_signal, [signal.SIGINT]).start()


class _Ended(BaseException):
    """The system, or a queue, asked the process to end; what is half done is removed on the way."""


def _end_process(own: int) -> Callable[[int, object], None]:
    """Return what this process, and none that it forks, does when it is told to end."""

    def end(number: int, _frame: object) -> None:
        if os.getpid() != own:
            os._exit(128 + number)
        # A second request must not disturb the removing.
        signal.signal(number, signal.SIG_IGN)
        raise _Ended

    return end


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code.

    Parameters
    ----------
    arguments : list of str
        Without the program's name.

    Returns
    -------
    int
        0, 1, 2, 130 or 143.
    """
    try:
        code = app(arguments, standalone_mode=False, prog_name="nuriwake")
        if sys.stdout is not None:  # it is None where it was closed
            sys.stdout.flush()
    except _Ended:
        return _complain("told to end: of what was not done, nothing was written.", 143)
    except (KeyboardInterrupt, typer.Abort, RunCancelled):
        return _complain("interrupted: of what was not done, nothing was written.", 130)
    except TyperException as error:
        return _complain(_with_help(error), 2)
    except (InputError, OutputError) as error:
        return _complain(str(error), 1)
    except NuriwakeError as error:
        return _complain(str(error), 2)
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "nuriwake"):
            raise
        reason = f"its package {package} cannot be imported ({error})"
        return _complain(one_line(f"the installation is damaged: {reason}. Install it again."), 2)
    except OSError as error:
        what = error.filename or "standard output"
        return _complain(one_line(f"{what}: cannot be written ({error.strerror or error})."), 1)
    return int(code or 0)


def _with_help(error: TyperException) -> str:
    """Say what is wrong with a command line, and whose help says what is right."""
    message = one_line(error.format_message())
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "nuriwake"
    return f"{message}{'' if message.endswith(('.', '?')) else '.'} See {command} --help."


def _complain(message: str, code: int) -> int:
    # Where nobody can be told, the exit code says it.
    with contextlib.suppress(OSError):
        typer.echo(f"nuriwake: {in_flags(message)}", err=True)
    return code
