"""`cunda docs` and `cunda settings`: reference pages from the program itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.terminal import JsonFlag, current_settings, emit, say, table

docs_app = typer.Typer(help="Reference pages rendered from the program.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(docs_app, name="docs")
    app.command("settings")(show_settings)


@docs_app.command("errors")
def errors() -> None:
    """Print the page of error codes."""
    from api.reference import errors_page

    print(errors_page(), end="")


@docs_app.command("write")
def write(
    folder: Annotated[Path, typer.Argument(help="The documentation folder.")] = Path("docs"),
) -> None:
    """Write the reference pages and the API description."""
    from api.reference import write_pages

    for path in write_pages(folder):
        say(f"wrote {path}")


def show_settings(json: JsonFlag = False) -> None:
    """Print every setting with the value in force; secrets are not shown."""
    settings = current_settings()
    values = settings.model_dump(mode="json")
    fields = type(settings).model_fields
    rows = [(f"CUNDA_{name.upper()}", value) for name, value in values.items()]
    documents = [
        {"name": f"CUNDA_{name.upper()}", "value": value, "meaning": fields[name].description}
        for name, value in values.items()
    ]
    emit(documents, json, table(("setting", "value in force"), rows))
