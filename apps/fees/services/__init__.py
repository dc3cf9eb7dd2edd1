"""What the school does with money, by topic. Each verb is one transaction."""
