"""What runs: the rooms that a referral passes, over one runtime."""
