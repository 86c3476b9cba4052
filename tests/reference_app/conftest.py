"""The tools that lie beside the reference application, as modules."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

HOME = Path(__file__).parents[2] / "fixtures" / "reference_app"


@pytest.fixture(scope="session")
def tools() -> Iterator[ModuleType]:
    """`new_project`, and through it the rest."""
    sys.path.insert(0, str(HOME))
    yield importlib.import_module("new_project")
    sys.path.remove(str(HOME))
