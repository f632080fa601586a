"""What goes wrong, as one sentence with the way out."""

from __future__ import annotations


class PluginError(Exception):
    """Something that the user can mend; its text is one sentence."""


class CancelledError(Exception):
    """The user ended the run."""
