"""What pytest leaves out where a package is not installed."""

from importlib.util import find_spec

#: The plugin's modules need napari; `make test-napari` runs them in an environment that has it.
collect_ignore_glob = [] if find_spec("napari") else ["src/nuriwake/faces/napari/*"]
