"""Where the reference application lies."""

from pathlib import Path

HOME = Path(__file__).parents[2] / "fixtures" / "reference_app"
