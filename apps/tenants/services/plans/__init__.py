"""What a school may use and what it costs: meters, metering, limits, plans, invoices."""
