"""The database backend of a standby: the school that is open on the primary, for reading only."""
