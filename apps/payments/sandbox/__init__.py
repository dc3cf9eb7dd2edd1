"""A payment gateway for practice that speaks the Stripe wire. It runs as a process of its own, on
loopback, with a database file of its own, and knows nothing of Homeroom or Django.

No real money, no card fields. A secret key of any school is an account of its own.
"""
