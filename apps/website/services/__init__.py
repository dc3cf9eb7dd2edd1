"""Changes to the public site, by topic: profile, news, pages, staff, documents; and its text."""
