"""Verbs of the activities app, by topic. Each changes rows and publishes in one transaction."""
