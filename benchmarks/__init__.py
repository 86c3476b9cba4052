"""How fast the checker is, as ratios against work that everyone knows: ``python -m benchmarks``."""
