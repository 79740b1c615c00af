"""The command line: one file per verb, each imported only when it is asked for.

Exit codes: 0 done (for plan: found and verified), 1 a bug of ours, 2 bad input, 3 infeasible, 4 no plan within the
limits, 5 a plan failed its verification, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import typer

from fleetopt.cli import (
    alternatives,
    baselines,
    capacity,
    catalog,
    check,
    compare,
    explain,
    futures,
    ingest,
    init,
    plan,
    profile,
    report,
    schema,
    stretch,
    study,
    sweep,
    verify,
)
from fleetopt.errors import FleetoptError, InputError

INTERRUPTED = 130

app = typer.Typer(
    name="fleetopt",
    help="Plans GPU fleets for LLM inference: which GPUs, how many, for which models, at what cost.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (plan, check, capacity, verify, report, explain, alternatives, compare, baselines, futures):
    app.command(verb.NAME, short_help=verb.BRIEF)(verb.run)
for verb in (study, stretch, sweep, catalog, schema, init):
    app.command(verb.NAME, short_help=verb.BRIEF)(verb.run)
for group in (ingest, profile):
    app.add_typer(group.app, name=group.NAME, short_help=group.BRIEF)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"fleetopt {version('fleetopt')}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", help="Show the version and stop.", callback=_show_version, is_eager=True
    ),
) -> None:
    """Options that stand before a verb."""


def main() -> NoReturn:
    """Runs a verb and ends the process with its exit code."""
    _open_streams()
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; keep Python from complaining about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        typer.echo(f"the output cannot be written ({error.strerror or error})", err=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = InputError.exit_code
    except FleetoptError as error:
        from fleetopt.cli.failure import show_failure

        code = show_failure(error)
    except Exception as error:  # noqa: BLE001 - the last line of defence: whatever else gets here is our bug
        code = _usage(error) if hasattr(error, "show") else _bug(error)
    if code == INTERRUPTED:
        typer.echo("interrupted", err=True)
    sys.exit(code)


def _open_streams() -> None:
    """Output that the caller closed goes nowhere, instead of failing wherever it is first used."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open for good


def _usage(error: Any) -> int:
    """A wrong command line. Typer brings its own copy of click's errors, so they are known by what they can do."""
    error.show()
    return int(error.exit_code)


def _bug(error: Exception) -> int:
    if os.environ.get("FLEETOPT_DEBUG"):
        raise error
    typer.echo(f"fleetopt has a bug: {type(error).__name__}: {error}", err=True)
    typer.echo("Please report it, with what FLEETOPT_DEBUG=1 prints when you run the same command again.", err=True)
    return 1
