"""Where Sampan runs: the sample region, and the demo's ministry."""
