"""A progress line for long work: on stderr, only where a person watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ledger.cli.session import Session


@contextmanager
def progress(session: Session, code: str) -> Iterator[Callable[[int], None]]:
    """A counter that is told how much more is done; ``code``: words of what is being done."""
    if session.quiet or not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(session.words(code), total=None)
        yield lambda count: bar.advance(task, count)
