"""Running one command, and the one place where errors become words and exit codes.

0 ok, passed · 1 failed (proven) · 2 usage · 3 undetermined, not found, unavailable · 4 configuration ·
5 part of a bulk run failed · 70 a bug
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import typer

from ledger.cli.commands import root
from ledger.cli.run_codes import BUG, INTERRUPTED
from ledger.cli.session import Session
from ledger.errors import UnavailableError, ZhengyinError

_VALUED = ("--home", "--org", "--lang")
_FLAGS = ("--json", "--quiet")


def run(arguments: Sequence[str]) -> int:
    """Run one command line; never raises."""
    session = Session.from_environment()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console without these characters must not become an error
    words = hoisted(arguments)
    try:
        code = root(_command(words)).main(args=words, prog_name="zhengyin", standalone_mode=False, obj=session)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except ZhengyinError as e:
        return session.fail(e)
    except typer.TyperException as e:
        return _usage(session, e)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader left; Python's own flush must not complain
        return 0
    except OSError as e:
        _trace()
        return session.fail(
            UnavailableError("CLI_SYSTEM", reason=e.strerror or type(e).__name__, file=e.filename or "–")
        )
    except Exception as e:
        _trace()
        session.fail_unexpected(type(e).__name__)
        return BUG


def hoisted(arguments: Sequence[str]) -> list[str]:
    """Global options may stand anywhere before ``--``; they are moved to the front, where the parser wants them."""
    found: list[str] = []
    rest: list[str] = []
    left = iter(arguments)
    for argument in left:
        name = argument.partition("=")[0]
        if argument == "--":
            rest += [argument, *left]
        elif argument in _FLAGS or (name in _VALUED and "=" in argument):
            found.append(argument)
        elif argument in _VALUED:
            found += [argument, *[value for value in [next(left, None)] if value is not None]]
        else:
            rest.append(argument)
    return found + rest


def _command(words: Sequence[str]) -> str | None:
    """The first word that is neither a global option nor its value."""
    left = iter(words)
    for word in left:
        if word in _VALUED:
            next(left, None)
        elif word not in _FLAGS and word.partition("=")[0] not in _VALUED:
            return word
    return None


def _usage(session: Session, error: typer.TyperException) -> int:
    session.fail_usage(error.format_message())
    context = getattr(error, "ctx", None)
    if context is not None:
        sys.stderr.write(f"{context.get_usage()}\n")
    return error.exit_code


def _trace() -> None:
    if os.environ.get("ZHENGYIN_DEBUG"):
        traceback.print_exc()
