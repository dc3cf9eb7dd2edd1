"""Self-service sign-up: asking for a school, confirming the address, opening the school."""
