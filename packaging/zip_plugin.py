"""Zips the QGIS plugin as "Plugins > Manage and Install Plugins > Install from ZIP" takes it.

Called by ``make dist``: ``python packaging/zip_plugin.py dist``.
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "integrations" / "qgis" / "nuriwake_qgis"


def zip_plugin(folder: Path) -> Path:
    """Write the plugin and the licence, always as the same bytes.

    Parameters
    ----------
    folder : pathlib.Path
        Where the zip is written.

    Returns
    -------
    pathlib.Path
    """
    metadata = (PLUGIN / "metadata.txt").read_text(encoding="utf-8")
    version = re.search(r"^version=(.+)$", metadata, re.MULTILINE)
    if version is None:
        raise SystemExit(f"{PLUGIN / 'metadata.txt'}: no version.")
    target = folder / f"nuriwake_qgis-{version[1]}.zip"
    files = [path for path in PLUGIN.iterdir() if path.is_file()]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted([*files, ROOT / "LICENSE"], key=lambda path: path.name):
            entry = zipfile.ZipInfo(f"{PLUGIN.name}/{path.name}")
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return target


if __name__ == "__main__":
    zip_plugin(Path(sys.argv[1]))
