"""Where the repository around a path begins. Imports nothing heavy: a run that answers from its store needs it."""

from __future__ import annotations

import os


def repository_root(path: str) -> str | None:
    """The folder at or above ``path`` that holds ``.git``, or None.

    A repository may be unpacked without its ``.git``: then the nearest folder within four levels counts that
    has what lies at the root of one.
    """
    above = [path]
    while os.path.dirname(above[-1]) != above[-1]:
        above.append(os.path.dirname(above[-1]))
    for folder in above:
        if os.path.exists(os.path.join(folder, ".git")):
            return folder
    for folder in above[:5]:
        if any(os.path.exists(os.path.join(folder, name)) for name in (".github", ".gitlab-ci.yml", ".gitignore")):
            return folder
    return None
