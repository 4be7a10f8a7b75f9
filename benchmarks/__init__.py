"""What Sampan costs, measured beside a plain baseline in the same run. Off by default: ``make bench``."""
