"""What several apps need and that knows no app: money, ids, errors, the current school."""
