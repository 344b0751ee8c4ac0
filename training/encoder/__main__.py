"""Entry point of `python -m training.encoder`."""

import sys

from training.encoder.cli import main

if __name__ == "__main__":
    sys.exit(main())
