"""The nine apps. Order, low to high, is in .importlinter."""
