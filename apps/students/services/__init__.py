"""Verbs of the students app, by topic. Each changes rows and publishes in one transaction."""
