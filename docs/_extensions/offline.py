"""The pages load nothing from elsewhere; a build that would is an error."""

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import SphinxError

_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|link(?=[^>]*rel="(?:stylesheet|preload|icon)"))\b"""
    r"""[^>]*?\b(?:src|href)=["']((?:https?:)?//[^"']+)"""
)


def _check(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    for page in sorted(Path(app.outdir).rglob("*.html")):
        found = _LOADED.search(page.read_text(encoding="utf-8"))
        if found:
            raise SphinxError(f"{page}: loads {found.group(1)} from elsewhere.")


def setup(app: Sphinx) -> dict[str, bool]:
    """Look at every page when the build is done."""
    app.connect("build-finished", _check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
