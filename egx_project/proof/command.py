"""`egx demo`"""

from __future__ import annotations

import click

from egx_project.cli.output import Output, json_option, pass_output


@click.command()
@click.option("--index", envvar="EGX_PACKAGE_INDEX", default="", help="The package index, where it is not pip's own.")
@json_option
@pass_output
def demo(output: Output, *, index: str) -> int:
    """Update a gateway under load, to a good release and to a broken one, and show what became of each request.

    Runs an EGX of its own on a folder of its own, for about a minute; nothing is left. The releases are real ones.
    Exits 1 where a request was lost, or anything did not end as it should.
    """
    from egx_project.proof.demo import as_json, demonstrate
    from egx_project.proof.table import table

    found = demonstrate(output.note, index=index)
    if output.json:
        output.document(as_json(found))
    else:
        output.line(table(found))
    return 0 if found.proved else 1
