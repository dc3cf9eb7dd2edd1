"""What goes to several accounts of the school, on the family's page."""

import re
from datetime import timedelta

from apps.fees.models import Fee, FeeCategory
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from apps.payments.models import GatewayAccount, new_webhook_key
from kernel.ids import uuid7
from kernel.schools import today

WAYS = re.compile(r'name="method" value="(\w+)"')


def test_what_goes_to_another_account_is_paid_by_the_ways_of_that(room, family, parent):
    """The first is due into an account of its own, the second into the one in use."""
    payments.create_sandbox_account("stripe")
    payments.create_sandbox_account("paypal")
    own = GatewayAccount.objects.get(provider="stripe")
    own.pk, own._state.adding, own.is_default = uuid7(), True, False
    own.webhook_key = new_webhook_key()
    own.save()
    make.bill(room, due_on=today() + timedelta(days=5))
    FeeCategory.objects.update(account_id=own.pk)
    make.bill(room, due_on=today() + timedelta(days=9))
    trips = FeeCategory.objects.create(name="Trips")
    Fee.objects.filter(name="Fee 2").update(category=trips)

    assert WAYS.findall(parent.get("/family/").content.decode()) == ["card", "paypal"]
