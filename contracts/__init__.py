"""What is said: events, field groups, consent, decisions, topics, the sealed envelope. Imports nothing of ours."""
