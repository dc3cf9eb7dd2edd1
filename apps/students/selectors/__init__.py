"""Reading the students app's rows as plain data."""
