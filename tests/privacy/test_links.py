"""A family link is worth what its mailbox is worth."""

from __future__ import annotations

import pytest

from apps.fees.services import links
from apps.fees.tests import factories as make
from apps.students.services import guardians


@pytest.fixture
def family(school):
    return make.make_family(make.make_class(), name="Maria Lopez")


def test_a_corrected_address_ends_the_links_in_the_old_mailbox(family, drain):
    path = links.family_link_path(guardian_id=family.guardian.pk)
    details = guardians.GuardianDetails(name="Maria Lopez", email="new@example.org")

    guardians.update_guardian(guardian_id=family.guardian.pk, details=details, actor="office")
    drain()

    with pytest.raises(links.LinkRefused):
        links.open_link(token=path.removeprefix("/family/l/").rstrip("/"))
    assert links.family_link_path(guardian_id=family.guardian.pk) != path


def test_another_phone_number_leaves_the_links_alone(family, drain):
    path = links.family_link_path(guardian_id=family.guardian.pk)
    details = guardians.GuardianDetails(
        name="Maria Lopez", email=family.guardian.email, phone="555 7"
    )

    guardians.update_guardian(guardian_id=family.guardian.pk, details=details, actor="office")
    drain()

    assert links.family_link_path(guardian_id=family.guardian.pk) == path
