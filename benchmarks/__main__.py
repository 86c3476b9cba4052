"""Ratios of the checker's time to that of reading and ``ast.parse``-ing the same files on the same cores.

    python -m benchmarks                  an application of 16,000 lines and one of 300,000
    python -m benchmarks ~/src/shop ...   real trees besides; they are read, never written to
    python -m benchmarks --quick          the small one only

Every row is a process of its own, started and ended within the time that is shown; the best of several runs
counts. On a busy machine processor time, of all its processes together, says more than wall time. Memory is the
largest sum of all its processes (shared pages counted once where the system tells).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.generate import generate

HERE = Path(__file__).resolve().parent.parent
PYTHON = [sys.executable, "-X", "utf8"]


@dataclass
class Measured:
    """Wall and processor time in seconds of the quickest run, and the most memory that any run took, in MiB."""

    seconds: float
    processor: float
    memory: float


def measure(command: Sequence[str], before: Callable[[], None], runs: int) -> Measured:
    """Run a command several times, ``before`` each run, unmeasured. Exit status 1 means findings."""
    best = processor = float("inf")
    memory = 0.0
    # An installed checker is compiled; one that may not write what it compiled would compile itself every time.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(runs):
        before()
        began, used = time.perf_counter(), _used()
        process = subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        peak = _Peak(process.pid)
        output, errors = process.communicate()
        best = min(best, time.perf_counter() - began)
        processor = min(processor, _used() - used)
        memory = max(memory, peak.stop())
        if process.returncode not in (0, 1) or not output:
            raise SystemExit(f"{' '.join(command)} failed:\n{errors.decode()}")
    return Measured(best, processor, memory)


def _used() -> float:
    """Processor time in seconds of all processes that this one has waited for."""
    times = os.times()
    return times.children_user + times.children_system


class _Peak:
    """Watches the memory of a process and its children, from a thread. Zero where there is no /proc."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._most = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """The most that was seen, in MiB."""
        self._ended.set()
        self._thread.join()
        return self._most

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            self._most = max(self._most, sum(map(_proportional, [self._pid, *_children(self._pid)])))


def _children(pid: int) -> list[int]:
    try:
        words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [each for word in words for each in (int(word), *_children(int(word)))]


def _proportional(pid: int) -> float:
    """A process's share of memory in MiB: pages shared by several processes count once over all of them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def compare(tree: Path, runs: int, work: Path) -> None:
    """Print the table of one tree."""
    files = sorted(path for path in tree.rglob("*.py") if path.is_file() and ".guardrails_cache" not in path.parts)
    lines = sum(path.read_bytes().count(b"\n") for path in files)
    listing = work / "files.txt"
    listing.write_text("\n".join(map(str, files)), encoding="utf-8")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    print(f"\n{tree}: {len(files)} files, {lines} lines, {cores} cores")

    cache = work / "cache"
    configuration = work / "guardrails.toml"
    configuration.write_text(f"cache-dir = {str(cache)!r}\n", encoding="utf-8")
    check = [
        *PYTHON,
        "-c",
        "from guardrails.cli import main; main()",
        "check",
        str(tree),
        "--config",
        str(configuration),
        "--format",
        "json",
    ]
    stage = [*PYTHON, "-m", "benchmarks.stage"]

    def empty() -> None:
        shutil.rmtree(cache, ignore_errors=True)

    def kept() -> None:
        return

    def touched() -> None:
        for result in (cache / "results").glob("*"):
            result.unlink()

    rows: list[tuple[str, list[str], Callable[[], None]]] = [
        ("read and ast.parse", [*stage, "parse", str(listing)], kept),
        ("discover", [*stage, "discover", str(tree)], kept),
        ("discover and facts, no cache", [*stage, "facts", str(tree)], kept),
        ("discover and facts, cold cache", [*stage, "facts", str(tree), str(cache)], empty),
        ("discover and facts, warm cache", [*stage, "facts", str(tree), str(cache)], kept),
        ("guardrails check, no cache", [*check, "--no-cache"], kept),
        ("guardrails check, cold cache", check, empty),
        ("guardrails check, warm facts", check, touched),
        ("guardrails check, warm", check, kept),
    ]
    ruff = shutil.which("ruff", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if ruff is not None:
        rows.append(("ruff check, no cache", [ruff, "check", "--isolated", "--no-cache", "-q", str(tree)], kept))
    base: Measured | None = None
    print(f"  {'':32}{'wall':>8}{'':14}{'cpu':>8}")
    for name, command, before in rows:
        found = measure(command, before, runs)
        base = base or found
        ratio, processor = found.seconds / base.seconds, found.processor / base.processor
        print(f"  {name:32}{found.seconds:8.2f} s{ratio:8.2f} x", end="  ")
        print(f"{found.processor:8.2f} s{processor:8.2f} x{found.memory:8.0f} MiB", flush=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("trees", nargs="*", type=Path, help="real trees to measure besides the generated ones")
    parser.add_argument("--quick", action="store_true", help="of the generated trees, the small one only")
    parser.add_argument("--only-trees", action="store_true", help="none of the generated trees")
    parser.add_argument("--runs", type=int, default=3, help="runs per row, of which the best counts")
    arguments = parser.parse_args()
    sizes = [] if arguments.only_trees else [16_000] if arguments.quick else [16_000, 300_000]
    with tempfile.TemporaryDirectory(prefix="guardrails-benchmark-") as folder:
        work = Path(folder)
        for size in sizes:
            tree = work / f"generated-{size}"
            generate(tree, size)
            compare(tree, arguments.runs, work)
        for tree in arguments.trees:
            compare(tree.resolve(), arguments.runs, work)


if __name__ == "__main__":
    main()
