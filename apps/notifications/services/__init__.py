"""Writing messages (composing, queueing) and sending them (delivery)."""
