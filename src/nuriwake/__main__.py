"""Run the command line with ``python -m nuriwake``."""

from nuriwake.faces.cli import main

main()
