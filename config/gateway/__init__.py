"""The edge: what happens to a request before and after an app sees it."""
