"""Reading the books. One selector per need; none of them asks once per row."""
