"""Families that pay at the real sandbox gateway, seen from above both apps."""

from apps.fees.tests.conftest import family, parent, room
from apps.fees.tests.test_checkout import second
from apps.payments.tests.conftest import account, sandbox

__all__ = ["account", "family", "parent", "room", "sandbox", "second"]
