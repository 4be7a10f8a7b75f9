"""Standard Webhooks 1.0.0: a signed, thin notice that something waits."""
