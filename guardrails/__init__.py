"""guardrails: a whole-program conformance checker for FastAPI + MongoDB code bases."""

__version__ = "0.1.0"
