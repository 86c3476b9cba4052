"""``python -m guardrails``."""

from guardrails.cli import main

main(prog_name="guardrails")
