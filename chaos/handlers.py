"""The consumers of a run. Each fails, if it does, after its effect is written: what it wrote must
be gone with the failure."""

import random

from apps.events.facade import Delivery, handles
from chaos.effects import note_effect
from chaos.events import EXTERNAL, FLAKY, PICKY, PLAIN

FLAKY_FAILS, CALL_FAILS = 0.01, 0.01


class Refused(RuntimeError):
    """What the consumers of a run fail with."""


@handles("chaos.noted", version=1)
def plain(delivery: Delivery) -> None:
    _note(PLAIN, delivery)


@handles("chaos.noted", version=1)
def flaky(delivery: Delivery) -> None:
    """Fails at random, and succeeds when it is tried again."""
    _note(FLAKY, delivery)
    if random.random() < FLAKY_FAILS:
        raise Refused("not this time")


@handles("chaos.noted", version=1)
def picky(delivery: Delivery) -> None:
    """Never takes an event that is marked: it must end as a dead letter, and no other one may."""
    _note(PICKY, delivery)
    if delivery.event.poison:
        raise Refused("never")


@handles("chaos.noted", version=1, external=True)
def external(delivery: Delivery) -> None:
    """The outside: it keeps what it is told beside the event's id, or does not answer."""
    if random.random() < CALL_FAILS:
        raise Refused("nobody answers")
    _note(EXTERNAL, delivery)


def _note(consumer: str, delivery: Delivery) -> None:
    note_effect(consumer, delivery.event_id, delivery.stream_id, delivery.event.number)
