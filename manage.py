#!/usr/bin/env python3
"""Homeroom's commands. Finds the embedded servers that run, or starts them for its own time."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    from django.core.management import execute_from_command_line

    if os.environ["DJANGO_SETTINGS_MODULE"] == "config.settings.dev":
        from config import embedded

        try:
            embedded.hold()
        except embedded.EmbeddedError as error:
            sys.exit(f"manage.py: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
