"""`make chaos`: the outbox's promises, held under violence. README.md says how to read it."""
