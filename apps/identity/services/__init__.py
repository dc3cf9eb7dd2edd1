"""The verbs of identity, by topic."""
