"""The bank as the third way to know: csv_file.py and camt.py read statements (pure), importing.py
previews and keeps them, matching.py says what a line is, and undoes it."""
