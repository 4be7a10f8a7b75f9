"""What every service stands on: clock, embedded PostgreSQL, log, unit of work, leases, consumers."""
