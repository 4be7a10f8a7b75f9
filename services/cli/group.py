"""The command group: every way to fail ends in one sentence, and heavy commands are loaded when asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

from contracts.errors import SampanError
from services.cli.failing import report, report_defect, report_stop
from services.cli.screen import Screen

SERVER_EXTRA: Final = "server"
LAZY: Final[dict[str, tuple[str, str, str]]] = {
    "scenario": ("services.scenario.cli", "app", "Play a scenario file and check what it expects."),
    "demo": (
        "services.scenario.cli",
        "demo",
        "Play the nine bundled scenarios: who was told, who was not, why.",
    ),
    "rules": ("services.cli.rules.app", "app", "Tools for the people who own the rules."),
    "serve": ("services.assembly.cli", "serve", "Run a Sampan server."),
    "up": ("services.assembly.cli", "serve", "The same as serve: all services in one process."),
    "kafka": ("services.assembly.kafka_cli", "app", "Prepare and repair a log on Kafka."),
    "replay": ("services.assembly.replay_cli", "replay", "Have a service read again what it has applied."),
    "run": ("services.assembly.cli", "run", "Run one service as a process of its own."),
    "migrate": ("services.assembly.cli", "migrate", "Bring the database up to date, and make the keyring."),
    "edge": ("services.cli.edge", "app", "Open and deliver in your agency's own house."),
    "enrol": ("services.assembly.cli", "enrol", "Give an agency a token and a signing key."),
}
"""Command → (module, name in it, help). The name is a Typer app or a plain function."""


class SampanGroup(TyperGroup):
    """Runs commands so that no traceback reaches a person."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except SampanError as error:
            raise typer.Exit(report(_screen(ctx), error)) from None
        except KeyboardInterrupt as stop:
            raise typer.Exit(report_stop(_screen(ctx), stop)) from None
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if type(error).__module__.startswith(("typer", "click")):  # a mistyped command, said by Typer
                raise
            raise typer.Exit(report_defect(_screen(ctx), error)) from None


class RootGroup(SampanGroup):
    """The root: adds the commands that other rooms bring, loaded only when named."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *LAZY]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """For help and completion: what other rooms bring is only named."""
        if cmd_name in LAZY:
            return _stub(cmd_name, LAZY[cmd_name][2])
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """For running: load what was named."""
        if args and args[0] in LAZY and not ctx.resilient_parsing:
            return args[0], _load(args[0]), args[1:]
        return super().resolve_command(ctx, args)


def _stub(name: str, help_text: str) -> Any:
    app = typer.Typer()
    app.command(name, help=help_text)(lambda: None)
    return typer.main.get_command(app)


def _load(name: str) -> Any:
    module, attribute, help_text = LAZY[name]
    try:
        found = getattr(import_module(module), attribute)
    except ModuleNotFoundError as missing:
        return _unavailable(name, help_text, _why_missing(missing.name or "", module))
    except AttributeError:
        return _unavailable(name, help_text, f"`sampan {name}` is not part of this version.")
    return _as_command(name, help_text, found)


def _as_command(name: str, help_text: str, found: typer.Typer | Callable[..., Any]) -> Any:
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command(name, help=found.__doc__ or help_text)(found)
    return typer.main.get_command(app)


def _unavailable(name: str, help_text: str, sentence: str) -> Any:
    def command() -> None:
        raise SampanError(
            sentence,
            code="not-installed",
            remedy=f'Install the server part with: pip install "sampan[{SERVER_EXTRA}]".',
        )

    app = typer.Typer()
    app.command(
        name, help=help_text, context_settings={"ignore_unknown_options": True, "allow_extra_args": True}
    )(command)
    return typer.main.get_command(app)


def _why_missing(missing: str, module: str) -> str:
    if missing and not module.startswith(missing) and not missing.startswith("services"):
        return f"this needs the package {missing}, which is not installed."
    return "this needs the server part of Sampan, which is not installed."


def _screen(ctx: Any) -> Screen:
    session = ctx.find_root().obj
    screen = getattr(session, "screen", None)
    return screen if isinstance(screen, Screen) else Screen()
