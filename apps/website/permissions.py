"""Who may change the public site. Everybody may read what is published."""

EDIT_SITE = "website.edit_site"

GRANTS = {EDIT_SITE: ("admin", "office")}
