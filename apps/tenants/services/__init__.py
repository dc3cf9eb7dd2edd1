"""Verbs of tenants, by topic: checks, steps, provision, settings, status."""
