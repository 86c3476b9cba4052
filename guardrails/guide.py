"""The guide's ten rules by name, for scorecards and lists."""

from __future__ import annotations

RULES: dict[int, str] = {
    0: "The run itself",
    1: "Layered architecture",
    2: "Dependency injection for connections",
    3: "Repository pattern",
    4: "Pydantic models for requests and responses",
    5: "Error handling",
    6: "Configuration",
    7: "Async all the way",
    8: "Modular routes",
    9: "Indexes",
    10: "Logging and monitoring",
    11: "Additional practices",
}

GUIDE_RULES = tuple(range(1, 11))
"""The rules of the scorecard."""
