"""The versions of what can change a label."""

from __future__ import annotations

import importlib.metadata
import platform

#: The packages whose version can change a label.
PACKAGES = ("nuriwake", "torch", "numpy", "scipy", "scikit-image", "scikit-learn", "numba")


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that can change a label.

    Examples
    --------
    >>> sorted(package_versions())[:2]
    ['numba', 'numpy']
    """
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return versions
