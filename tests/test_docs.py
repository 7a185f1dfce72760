"""What README and docs say is so: commands, options, settings, kinds, manifests, paths and links."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from egx_project.cli.app import COMMANDS, cli
from egx_project.events.kinds import EventKind
from gateways.manifests.kinds import READ, UNREAD
from gateways.manifests.reader import Source, read

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

PARTS = (r"^```\w*\n(?P<block>.*?)^```$", r"^(?P<indented> {4}[^\n]+)$", r"`(?P<span>[^`\n]+)`")
CODE = re.compile("|".join(PARTS), re.DOTALL | re.MULTILINE)
EGX = re.compile(r"(?<![\w.-])egx(?=[ \t]|$)(?P<words>[^\n`;]*)", re.MULTILINE)
MAKE = re.compile(r"(?<![\w.-])make (?P<target>[a-z]+(-[a-z]+)*)")
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
END_OF_COMMAND = re.compile(r"[|&>]+|#.*")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
SETTING = re.compile(r"^\| `(?P<name>[A-Z_]+)` \| (?P<default>.*?) \| .+ \|$", re.MULTILINE)

page = pytest.mark.parametrize("page", PAGES, ids=NAMES)


def code(text: str) -> Iterator[str]:
    """Blocks, fenced or indented, and spans of code."""
    return (next(part for part in found.groups() if part is not None) for found in CODE.finditer(text))


# --- commands -------------------------------------------------------------------------------------------------------


def said_commands(text: str) -> Iterator[list[str]]:
    """The words after each `egx` in code, to where a shell ends the command."""
    for piece in code(text):
        for found in EGX.finditer(piece):
            words: list[str] = []
            for word in found["words"].split():
                if END_OF_COMMAND.fullmatch(word):
                    break
                words.append(word.strip("[],"))
            yield words


def options_of(command: click.Command) -> set[str]:
    options = [each for each in command.params if isinstance(each, click.Option)]
    return {"-h", "--help"} | {name for option in options for name in (*option.opts, *option.secondary_opts)}


def named(words: list[str]) -> tuple[str, click.Command]:
    """The command that the words name. Raises AssertionError where there is none."""
    command: click.Command = cli
    path = "egx"
    for word in words:
        if word.startswith("-") or not isinstance(command, click.Group):
            continue
        found = command.get_command(click.Context(command), word)
        assert found is not None, f"there is no `{path} {word}`"
        command, path = found, f"{path} {word}"
    return path, command


def all_commands() -> Iterator[tuple[str, click.Command]]:
    for name in COMMANDS:
        path, command = named([name])
        if isinstance(command, click.Group):
            yield from (named([name, child]) for child in command.commands)
        else:
            yield path, command


@page
def test_every_command_that_is_mentioned_exists_and_has_the_options_mentioned_with_it(page: Path) -> None:
    for words in said_commands(page.read_text()):
        path, command = named(words)
        said = {word.split("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)}
        assert said <= options_of(command), f"`{path}` has no {said - options_of(command)}"


def test_every_command_and_option_is_on_the_page_of_the_command_line() -> None:
    text = (ROOT / "docs/command-line.md").read_text()
    described = {named(words)[0] for words in said_commands(text)}
    assert {path for path, _command in all_commands()} <= described
    options = {option for _path, command in all_commands() for option in options_of(command)}
    assert {option for option in options if not re.search(rf"[` ]{option}[` ]", text)} == set()


# --- settings -------------------------------------------------------------------------------------------------------


def settings_read() -> dict[str, object]:
    """Every environment variable that the settings read, with its default where that is a literal (else ...)."""
    found: dict[str, object] = {}
    for file in sorted((ROOT / "egx_project/settings").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and re.match(r"env\.\w+$|os\.(environ\.get|getenv)$", ast.unparse(node.func)):
                found[ast.literal_eval(node.args[0])] = default_of(node)
            elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
                found.setdefault(ast.literal_eval(node.slice), ...)
    return found


def default_of(call: ast.Call) -> object:
    given = [keyword.value for keyword in call.keywords if keyword.arg == "default"]
    try:
        return ast.literal_eval(given[0]) if given else ...
    except ValueError:
        return ...


def written(default: object) -> str:
    """A default as the page of settings writes it."""
    if default in ("", []):
        return "-"
    if isinstance(default, list):
        return f"`{','.join(default)}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{str(default).lower()}`"


def test_the_page_of_settings_has_exactly_the_variables_that_are_read_and_their_defaults() -> None:
    page = {found["name"]: found["default"] for found in SETTING.finditer((ROOT / "docs/settings.md").read_text())}
    known = settings_read()
    assert set(page) == set(known)
    literal = {name: written(default) for name, default in known.items() if default is not ...}
    assert {name: page[name] for name in literal} == literal


# --- events ---------------------------------------------------------------------------------------------------------


def test_every_kind_of_event_is_on_the_page_of_events() -> None:
    told = set(re.findall(r"`(\w+\.\w+)`", (ROOT / "docs/events.md").read_text()))
    assert {str(kind) for kind in EventKind} <= told


# --- manifests ------------------------------------------------------------------------------------------------------


def test_every_kind_that_egx_knows_is_on_the_page_of_what_is_supported() -> None:
    words = set(re.findall(r"\w+", (ROOT / "docs/supported.md").read_text()))
    assert {*READ, *UNREAD} <= words


@page
def test_every_manifest_is_one_that_egx_reads(page: Path) -> None:
    for text in re.findall(r"^```yaml\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE):
        manifest = read([Source(name=page.name, text=text)])
        assert manifest.objects
        assert not manifest.unsupported
        assert not manifest.ignored


# --- places ---------------------------------------------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    """The names that headings get in links."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(text))
    return {heading.strip().replace(" ", "-") for heading in plain}


@page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        assert place.exists(), target
        assert place.is_relative_to(ROOT), target
        assert not anchor or anchor in anchors(place.read_text()), target


@page
def test_every_file_that_is_named_by_its_path_exists(page: Path) -> None:
    folders = {entry.name for entry in ROOT.iterdir() if entry.is_dir()}
    paths = {word for piece in code(page.read_text()) for word in piece.split() if word.split("/")[0] in folders}
    named_whole = {path for path in paths if "/" in path and not re.search(r"[<>*A-Z]", path)}
    assert {path for path in named_whole if not (ROOT / path).exists()} == set()


@page
def test_every_make_target_that_is_mentioned_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    said = {found["target"] for piece in code(page.read_text()) for found in MAKE.finditer(piece)}
    assert said <= targets
