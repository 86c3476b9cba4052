"""The command line."""


def main() -> None:
    """The ``guardrails`` command."""
