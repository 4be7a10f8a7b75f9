"""What can be said of a rule set without playing it: gaps, shadows, words, differences. Pure."""
