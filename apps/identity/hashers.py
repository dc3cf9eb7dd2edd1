"""How passwords are hashed."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id with OWASP's second profile: 19 MiB, two passes, one lane.

    Django's default takes 102 MiB and a fifth of a second for every sign-in, which a handful of
    concurrent attempts turns into an outage. The sign-in throttle runs before this does.
    """

    time_cost = 2
    memory_cost = 19_456  # KiB
    parallelism = 1
