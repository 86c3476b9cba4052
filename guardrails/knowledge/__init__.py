"""What the tool knows of third parties, as tables: no logic of its own, nothing of the project.

Every name in these tables is canonical (:mod:`guardrails.knowledge.aliases`).
"""
