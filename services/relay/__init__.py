"""Carries the log to Kafka."""
