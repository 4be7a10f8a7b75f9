"""Logs, traces and metrics: ids, codes and durations; never a fact of a case."""
