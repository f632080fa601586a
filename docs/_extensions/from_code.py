"""Reference pages made from the program itself: its commands, and the table of settings."""

from collections.abc import Iterable

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

Row = tuple[nodes.Node, ...]


class Command(Directive):
    """``command:: segment`` lists a command's usage, arguments and options."""

    required_arguments = 1
    final_argument_whitespace = True  # serve label-studio

    def run(self) -> list[nodes.Node]:
        import typer

        from nuriwake.faces.cli import app
        from nuriwake.settings import Settings

        command, context = typer.main.get_command(app), None
        path = ["nuriwake", *self.arguments[0].split()]
        for name in path[1:]:
            command = command.commands[name]
        context = command.make_context(" ".join(path), [], resilient_parsing=True)
        own = [p for p in command.params if p.name not in Settings.model_fields]
        records = filter(None, (_record(p, context) for p in own))
        usage = command.get_usage(context).removeprefix("Usage: ")
        found = [
            nodes.paragraph(text=" ".join((command.help or "").split())),
            nodes.literal_block(usage, usage, language="text"),
            _table(
                ("", "what it says"), ((nodes.literal(text=a), nodes.Text(b)) for a, b in records)
            ),
        ]
        if len(own) < len(command.params):
            found.append(nodes.paragraph(text="And a flag for every setting, such as --max-iter."))
        return found


def _record(parameter, context) -> tuple[str, str] | None:
    """Return the left and the right column of an option or an argument in ``--help``."""
    record = parameter.get_help_record(context)
    if record is None and parameter.param_type_name == "argument":
        return parameter.make_metavar(context), parameter.help or ""
    return record


class SettingsTable(Directive):
    """``settings-table::`` lists every setting with its range and its default in each recipe."""

    def run(self) -> list[nodes.Node]:
        from nuriwake.settings import RECIPES, Settings, allowed

        values = {name: Settings(recipe=name).model_dump() for name in RECIPES}
        rows = []
        for name, field in Settings.model_fields.items():
            defaults = (
                "not read" if name in recipe.ignores else str(values[recipe.name][name])
                for recipe in RECIPES.values()
            )
            meaning = f"{field.description}; {allowed(field)}"
            rows.append((nodes.literal(text=name), *map(nodes.Text, defaults), nodes.Text(meaning)))
        return [_table(("setting", *RECIPES, "meaning and range"), rows)]


def _table(head: tuple[str, ...], rows: Iterable[Row]) -> nodes.table:
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=1) for _ in head]
    group += nodes.thead("", _row(tuple(nodes.Text(text) for text in head)))
    group += nodes.tbody("", *(_row(row) for row in rows))
    return nodes.table("", group, classes=["table"])


def _row(cells: Row) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directives."""
    app.add_directive("command", Command)
    app.add_directive("settings-table", SettingsTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
