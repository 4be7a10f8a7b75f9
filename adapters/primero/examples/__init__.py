"""One deployment's settings and one referral as Primero shows it, both invented; the tests read them."""
