"""The database backend: django-tenants, with a school's own schema alone on the path."""
