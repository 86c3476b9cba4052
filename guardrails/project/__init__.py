"""Which files make up which application, and what lies beside the code."""

from guardrails.project.discovery import discover
from guardrails.project.model import Project, Skipped, SourceFile

__all__ = ["Project", "Skipped", "SourceFile", "discover"]
