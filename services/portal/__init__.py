"""What people are shown of a case: the timeline of who was told what and why, and what waits for them."""
