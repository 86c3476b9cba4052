"""The program model: ``link`` turns the facts of all files into a ``Program`` that answers questions."""

from guardrails.program.program import Program, link

__all__ = ["Program", "link"]
