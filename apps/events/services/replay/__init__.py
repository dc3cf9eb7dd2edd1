"""History gone through again: read models worked out anew from the stored events, and compared."""
