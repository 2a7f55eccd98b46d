"""`python -m api.cli`: the command line without an installed entry point."""

from api.cli.main import run

if __name__ == "__main__":
    run()
