"""Intake: the gate. Verifies, places and makes durable what senders submit; opens facts, never a name."""
