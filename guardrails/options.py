"""The options of a run, as plain values: what the configuration file and the command line decide.

``guardrails.config`` reads and validates TOML (with pydantic) into this record; the project, the program and
the engine read only this record, so a run that answers from its stored result never imports pydantic.
"""

from __future__ import annotations

import msgspec

DEFAULT_EXCLUDE = (
    ".git", ".hg", ".svn", ".tox", ".nox", ".venv", "venv", "virtualenv", "env", ".env",
    "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".guardrails_cache",
    "node_modules", "site-packages", ".eggs", "*.egg-info", "build", "dist",
)  # fmt: skip

DEFAULT_NOT_APPLICATION = (
    "tests", "test", "testing", "test_*.py", "*_test.py", "conftest.py",
    "migrations", "migration", "alembic", "scripts", "script", "tools", "bin", "docs", "examples", "benchmarks",
    "noxfile.py", "setup.py", "tasks.py", "fabfile.py", "locustfile.py", "gunicorn_conf.py",
)  # fmt: skip


class Options(msgspec.Struct, frozen=True):
    """Everything a user can set. Globs are gitwildmatch patterns relative to the checked root.

    ``select``, ``extend_select``, ``ignore`` and the keys of ``severities`` are selectors (``guardrails.selection``).
    ``fail_on`` and severities are ``error``, ``warning`` or ``info``; besides, a severity may be ``off``
    and ``fail_on`` may be ``never``.
    """

    root: tuple[str, ...] = ()
    """What is checked when no path is given, relative to the configuration file."""
    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: str = "error"
    severities: dict[str, str] = {}
    per_path_ignores: dict[str, tuple[str, ...]] = {}
    exclude: tuple[str, ...] = DEFAULT_EXCLUDE
    extend_exclude: tuple[str, ...] = ()
    not_application: tuple[str, ...] = DEFAULT_NOT_APPLICATION
    layers: dict[str, tuple[str, ...]] = {}
    """Layer name -> globs of modules that belong to it; decides before content and names."""
    allowed_imports: dict[str, tuple[str, ...]] = {}
    """Layer -> layers it may import; replaces that layer's row of the default table."""
    required_layers: tuple[str, ...] = ()
    """Empty means the guide's: routes, services, repositories, models or schemas, core."""
    type_checking_imports: bool = False
    """Whether imports under TYPE_CHECKING count for rule 1."""
    blocking_calls: tuple[str, ...] = ()
    """More dotted names that block (``vendor.sdk.Client.send``, ``vendor.sdk.*``)."""
    mongo_methods: tuple[str, ...] = ()
    """More dotted names whose call is a Mongo operation."""
    config_modules: tuple[str, ...] = ()
    database_modules: tuple[str, ...] = ()
    index_registries: tuple[str, ...] = ()
    import_linter_config: str | None = None
    baseline: str | None = None
    cache_dir: str | None = None
