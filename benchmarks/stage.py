"""One stage alone, in this process: ``python -m benchmarks.stage parse|discover|facts PATH [CACHE]``."""

from __future__ import annotations

import ast
import gc
import multiprocessing
import os
import sys
import warnings
from pathlib import Path


def parse_all(paths: list[str]) -> int:
    """Read and parse: the work that no checker can avoid. Returns how many files Python can parse."""
    gc.disable()
    warnings.simplefilter("ignore")
    parsed = 0
    for path in paths:
        try:
            ast.parse(Path(path).read_bytes())
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        parsed += 1
    return parsed


def main() -> None:
    """The command."""
    stage, path, *rest = sys.argv[1:]
    if stage == "parse":
        paths = Path(path).read_text(encoding="utf-8").split("\n")
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        paths.sort(key=os.path.getsize)
        with multiprocessing.Pool(cores) as pool:
            print(sum(pool.map(parse_all, [paths[start::cores] for start in range(cores)])))
        return
    from guardrails.options import Options
    from guardrails.project import discover

    options = Options(cache_dir=rest[0] if rest else None)
    projects = discover([Path(path)], options, Path.cwd())
    print(len(projects))
    if stage == "facts":
        from guardrails.facts.load import load

        print(len(load(projects, options, use_cache=bool(rest))))


if __name__ == "__main__":
    main()
