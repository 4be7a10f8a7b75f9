"""Delivery: lanes, retries and the inbox. It schedules and never opens."""
