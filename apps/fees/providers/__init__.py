"""Adapters to packages that do one thing for us; the rest of the app does not import them."""
