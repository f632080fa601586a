"""What a server says of a raster: enough to tell whether it is still the same one."""

from __future__ import annotations

import urllib.error
import urllib.request
from http.client import HTTPException

from nuriwake.errors import InputError
from nuriwake.io.faults import reason_of
from nuriwake.io.places import RemotePath

#: Headers that change when a file does.
_HEADERS = ("ETag", "Last-Modified", "Content-Length")
_SECONDS = 30
#: Answers of servers, and of signed addresses, that do not let themselves be asked.
_NOT_ASKED = (401, 403, 405, 501)


def remote_signature(path: RemotePath) -> str:
    """Return a text that changes when the raster does.

    Parameters
    ----------
    path : RemotePath

    Returns
    -------
    str
        Of a web server the address with the tag, date and length that it gives; of any other place
        the address with the form of the raster, which is all that can be had without reading it.

    Raises
    ------
    InputError
        If the server does not answer, or has no such file.
    """
    if path.url.startswith(("http://", "https://")) and (said := _ask(path)):
        return f"{path.url}\n{said}"
    from nuriwake.io.geotiff import open_geotiff

    source = open_geotiff(path)
    return f"{path.url}\n{source.shape} {source.n_file_bands} {source.dtype} {source.georeference}"


def _ask(path: RemotePath) -> str:
    """Ask a web server for what it says of a file; empty where it does not let itself be asked."""
    request = urllib.request.Request(path.url, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            return "\n".join(f"{name}: {answer.headers.get(name, '')}" for name in _HEADERS)
    except urllib.error.HTTPError as error:
        if error.code in _NOT_ASKED:
            return ""
        raise InputError(f"{path}: the server answered {error.code} {error.reason}.") from error
    except (OSError, HTTPException, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({reason_of(error)}).") from error
