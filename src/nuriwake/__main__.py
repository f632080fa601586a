"""The program: ``nuriwake``, or ``python -m nuriwake``."""

import sys


def main() -> None:
    """Run the command line and exit; Ctrl-C costs one line also while it is being loaded."""
    try:
        from nuriwake.faces.cli import main as run
    except KeyboardInterrupt:
        print("nuriwake: interrupted.", file=sys.stderr)  # noqa: T201
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
