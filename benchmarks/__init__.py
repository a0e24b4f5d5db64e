"""How fast Tieback is, as ratios: ours over a baseline of the same run. `python -m benchmarks`; docs/benchmarks.md."""
