"""Outbox and event store, by topic: registry, publishing, draining, deliveries, store, alarms."""
