"""`make fuzz`: every parser under atheris, one after another, from the kept corpus on.

Coverage leads it. What it finds stays below ``--corpus``: inputs that reach something new in ``<target>/``, and what
broke a promise as ``<target>-crash-…``, ``-timeout-…`` or ``-oom-…``; such a one is made small (``--minimize``), put
into ``tests/fuzz/corpus/<target>/``, and then the parser is mended. Exit 1 where any target broke.
"""

from __future__ import annotations

import argparse
import importlib
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # run as a script: the package `scripts` lies beside it

TIMEOUT = 10
"""Seconds for one input: instrumented code takes several times what it takes in the replay, which allows one."""
MEMORY = 2048
"""MiB of the process, the instrumentation among it."""
_INSTRUMENTED = ["ledger", "asn1crypto", "pyhanko", "pyhanko_certvalidator"]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.child:
        _fuzz(given.target, given.seconds, given.corpus)
        return 0
    if given.minimize:
        if not given.target:
            parser.error("--minimize needs --target")
        given.minimize.write_bytes(_minimized(given.target, given.minimize.read_bytes()))
        return 0
    from scripts.fuzzing.targets import TARGETS

    names = [given.target] if given.target else list(TARGETS)
    broken = [name for name in names if not _run(name, given)]
    print("broken: " + ", ".join(broken) if broken else f"{len(names)} targets hold")
    return 1 if broken else 0


def _run(name: str, given: argparse.Namespace) -> bool:
    """One target in a process of its own, since libFuzzer ends the one it runs in."""
    command = [sys.executable, __file__, "--child", "--target", name, "--seconds", str(given.seconds)]
    command += ["--corpus", str(given.corpus)]
    print(f"== {name}", flush=True)
    return subprocess.run(command, check=False).returncode == 0


def _minimized(name: str, data: bytes) -> bytes:
    """``data`` without every piece that the same fault does without."""
    fault, size = _fault(name, data), len(data) // 2
    if fault is None:
        sys.exit("it breaks nothing")
    while size:
        at = 0
        while at < len(data):
            shorter = data[:at] + data[at + size :]
            if _fault(name, shorter) == fault:
                data = shorter
            else:
                at += size
        size //= 2
    return data


def _fault(name: str, data: bytes) -> str | None:
    from scripts.fuzzing.targets import replay

    began = time.process_time()
    try:
        replay(name, data)
    except BaseException as error:  # panics of extensions are no Exception
        return type(error).__name__
    return "slow" if time.process_time() - began > 1 else None


def _fuzz(name: str, seconds: int, corpus: Path) -> None:
    import atheris

    with atheris.instrument_imports(include=_INSTRUMENTED):
        from scripts.fuzzing import targets

        target = targets.TARGETS[name]
        for module in target.modules:
            importlib.import_module(module)
    from scripts.fuzzing.mutators import MUTATORS

    mutate = MUTATORS[target.form]

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        def bits(part: bytes) -> bytes:
            return bytes(atheris.Mutate(part, len(part) + 16))

        chance = random.Random(seed)  # noqa: S311 - nothing secret
        return (mutate(data, chance, bits) if chance.random() < 0.75 else bits(data))[:most]

    work = corpus / name
    work.mkdir(parents=True, exist_ok=True)
    options = [f"-max_len={target.most}", f"-timeout={TIMEOUT}", f"-rss_limit_mb={MEMORY}", "-verbosity=0"]
    options += [f"-max_total_time={seconds}", "-print_final_stats=1", f"-artifact_prefix={work}-", str(work)]
    options += [str(kept) for kept in (targets.KEPT / name,) if kept.is_dir()]
    atheris.Setup([name, *options], lambda data: targets.replay(name, data), custom_mutator=mutated)
    atheris.Fuzz()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", help="one of scripts/fuzzing/targets.py; all of them if left out")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--corpus", type=Path, default=ROOT / "build" / "fuzz", help="where findings go (build/fuzz)")
    parser.add_argument("--minimize", type=Path, help="make this one input of --target small, in place")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
