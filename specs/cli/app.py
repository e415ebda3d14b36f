"""The tree of commands."""

import typer

from specs.cli import bundling, inspecting, judging, writing

app = typer.Typer(
    name="spec",
    help="Work on spec files. Exit status: 0 fine, 1 the spec is not, 2 wrong usage, 3 could not do it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
bundle_app = typer.Typer(help="Seal a spec with an approval, and check the seal.", no_args_is_help=True)

app.command("validate")(judging.validate)
app.command("lint")(judging.lint)
app.command("compile")(inspecting.compile_one)
app.command("explain")(inspecting.explain)
app.command("graph")(inspecting.graph)
app.command("policy-report")(inspecting.report_policies)
app.command("resolve")(writing.resolve)
app.command("migrate")(writing.migrate_one)
app.command("schema")(writing.schema)
app.command("new")(writing.new)
bundle_app.command("sign")(bundling.sign_spec)
bundle_app.command("verify")(bundling.verify_bundle)
app.add_typer(bundle_app, name="bundle")
