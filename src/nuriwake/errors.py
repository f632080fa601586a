"""Every error that nuriwake raises on purpose.

The tree::

    NuriwakeError
    ├── UsageError (ValueError)                a parameter, flag or argument is wrong: exit code 2
    ├── MissingDependencyError (ImportError)   an optional package is not installed: exit code 2
    ├── InputError (ValueError)                this input cannot be used, others may: exit code 1
    │   ├── ModelError                         a saved model or result cannot be read
    │   └── WorkersLost                        the workers died or are gone: what is done is kept
    ├── OutputError (OSError)                  a result cannot be written: exit code 1
    └── RunCancelled                           the user stopped the run: exit code 130

Messages are one line and name the parameter or file, what is allowed, what was received and, where
there is one, the way out.
"""

from __future__ import annotations

import importlib
import reprlib
from types import ModuleType

#: Bits of an int, and letters of a text, that messages show in full.
_LONGEST_INT, _LONGEST_TEXT = 256, 200
#: Letters of a message at most: what is longer is a name that no system takes.
_LONGEST_LINE = 1600


class NuriwakeError(Exception):
    """Root of every error that nuriwake raises on purpose; said in one line, however long."""

    def __str__(self) -> str:
        return one_line(super().__str__())


class UsageError(NuriwakeError, ValueError):
    """A parameter, a flag or an argument is out of its range or contradicts another."""


class MissingDependencyError(NuriwakeError, ImportError):
    """An optional package that this feature needs is not installed."""


class InputError(NuriwakeError, ValueError):
    """An image, raster or array cannot be used; other inputs of the same run are not affected."""


class ModelError(InputError):
    """A saved model or a saved result is damaged, foreign or too new."""


class WorkersLost(InputError):  # noqa: N818 - what happened to them, not to an input
    """The workers of a run died again and again, or their scheduler is gone."""


class OutputError(NuriwakeError, OSError):
    """A result cannot be written."""


class RunCancelled(NuriwakeError):  # noqa: N818 - a wish, not an error
    """The user stopped the run before it was done."""


def out_of_range(name: str, expected: str, got: object, hint: str = "") -> str:
    """Write the message for a value outside its range; the only writer of such messages.

    Parameters
    ----------
    name : str
        The parameter as the user typed it, such as ``n_layers`` or ``--bands``.
    expected : str
        The range in words, such as ``an int in [1, 16]``.
    got : object
        The value received.
    hint : str, optional
        The way out, one sentence.

    Returns
    -------
    str
        One line.

    Examples
    --------
    >>> out_of_range("n_layers", "an int in [1, 16]", 0)
    '`n_layers` must be an int in [1, 16]; got 0.'
    """
    message = f"`{name}` must be {expected}; got {shown(got)}."
    return f"{message} {hint}" if hint else message


def shown(value: object) -> str:
    """Write a value as Python does; of a very long or deep one, only the ends.

    Examples
    --------
    >>> shown("9" * 5000)
    "'9999999999999999999999999999999999999999...9999999999999999999999999999999999999999'"
    >>> shown({"self": [[[[1]]]]})
    "{'self': [[[...]]]}"
    """
    if isinstance(value, int) and value.bit_length() > _LONGEST_INT:
        return f"a number of {value.bit_length()} bits"
    writer = reprlib.Repr()
    writer.maxlevel, writer.maxstring, writer.maxother = 4, _LONGEST_TEXT, _LONGEST_TEXT
    writer.maxdict = writer.maxlist = writer.maxtuple = 16
    return writer.repr(value)


def one_line(text: str) -> str:
    r"""Join the lines of a text, and leave the middle of a very long one out.

    Examples
    --------
    >>> one_line("first\nsecond"), len(one_line("x" * 5000)) < 2000
    ('first second', True)
    """
    line, half = " ".join(text.splitlines()), _LONGEST_LINE // 2
    return line if len(line) <= _LONGEST_LINE else f"{line[:half]} ... {line[-half:]}"


def require(module: str, *, extra: str = "") -> ModuleType:
    """Import an optional dependency, or say how to install it.

    Parameters
    ----------
    module : str
        Dotted name of the module to import.
    extra : str, optional
        The extra of nuriwake that brings it; empty where none does.

    Returns
    -------
    types.ModuleType
        The imported module.

    Raises
    ------
    MissingDependencyError
        If the module is not installed.

    Examples
    --------
    >>> require("math", extra="geo").sqrt(4.0)
    2.0
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        own = f"pip install 'nuriwake[{extra}]'  (or: pip install {package})"
        raise MissingDependencyError(
            f"this needs the package {package}, which cannot be imported ({error}). "
            f"Install it with: {own if extra else f'pip install {package}'}"
        ) from error
