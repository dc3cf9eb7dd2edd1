"""Reading: how the outbox stands, and which schemas there are."""
