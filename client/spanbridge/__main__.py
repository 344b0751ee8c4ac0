"""`python -m spanbridge`."""

from spanbridge.cli import main

if __name__ == "__main__":
    main(prog_name="spanbridge")
