"""``backup`` and ``restore``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.progress import progress
from ledger.cli.session import Session
from ledger.cli.texts import about

BACKUP = about(
    "备份整个账本，运行中亦可；存储段只复制新增部分",
    "back the whole ledger up, also while it runs; of segments only the new ones are copied",
    "zhengyin backup /mnt/backup/zhengyin",
    "备份含有密钥，请存放在与数据文件夹同等保护之处。A backup holds the keys: keep it as safe as the data folder.",
)
RESTORE = about(
    "由备份恢复到新的数据文件夹；审计通过之前暂停受理",
    "restore a backup into a new data folder, which accepts nothing until an audit has passed",
    "zhengyin --home ./again restore /mnt/backup/zhengyin --chain ./saved/chain.db",
    "内置链若有更新的链文件留存，务必以 --chain 指定：旧链文件会丢失此后上链的一切。"
    "Where a newer file of the embedded chain survives, name it: an older one loses whatever was anchored since.",
)


def register(app: typer.Typer) -> None:
    app.command("backup", help=BACKUP)(backup)
    app.command("restore", help=RESTORE)(restore)


def backup(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", file_okay=False, help="备份文件夹 · folder of backups")],
) -> int:
    session: Session = context.obj
    from ledger.assembly.backups import make_backup

    with session.app() as app, progress(session, "CLI_BACKUP_FILES") as advance:
        made = make_backup(app, folder, advance)
    until = _instant(made.manifest.expires)
    session.note("CLI_BACKUP_ERASED", until=until)
    value = {
        "folder": str(made.folder), "created": made.manifest.created, "expires": made.manifest.expires,
        "files": len(made.manifest.files), "copied": made.copied, "kept": made.kept, "removed": made.removed,
    }  # fmt: skip
    session.result(value, session.words("CLI_BACKUP_MADE", **value))
    return 0


def restore(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", exists=True, file_okay=False, help="备份文件夹 · folder of backups, or of one"),
    ],
    chain: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, metavar="FILE", help="更新的链文件 · newer file of the embedded chain"
        ),
    ] = None,
    copy: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, metavar="DIR", help="第二介质的存储段 · segments of the second medium"
        ),
    ] = None,
) -> int:
    session: Session = context.obj
    from ledger.assembly.restoring import restore_backup

    with progress(session, "CLI_BACKUP_FILES") as advance:
        done = restore_backup(folder, session.home, int(time.time()), chain, copy, advance)
    session.note("CLI_RESTORED_LOCKED", tokens=done.tokens, data=done.data_keys)
    value = {
        "home": str(session.home), "created": done.manifest.created, "files": done.files,
        "fromCopy": done.from_copy, "head": done.head, "tokensRevoked": done.tokens, "dataKeys": done.data_keys,
    }  # fmt: skip
    words = {"created": _instant(done.manifest.created), "files": done.files, "copy": done.from_copy}
    session.result(value, session.words("CLI_RESTORED", **words))
    return 0


def _instant(seconds: int) -> str:
    from ledger.verification.words import instant

    return instant(seconds)
