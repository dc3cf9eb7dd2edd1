"""Accounts for tests, made in whichever school is open."""

from typing import Any

import factory

from apps.identity.models import Invitation, RoleAssignment, User

PASSWORD = "correct horse battery"


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Person {n:03}")
    email = factory.Sequence(lambda n: f"person{n:03}@example.org")
    password = factory.django.Password(PASSWORD)

    @factory.post_generation
    def roles(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        names = extracted if extracted is not None else ["teacher"]
        RoleAssignment.objects.bulk_create([RoleAssignment(user=self, role=r) for r in names])


class InvitedUserFactory(UserFactory):
    """Has an open invitation and no password yet."""

    password = factory.django.Password(None)
    invitation = factory.RelatedFactory(
        "apps.identity.tests.factories.InvitationFactory", factory_related_name="user"
    )


class InvitationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Invitation

    user = factory.SubFactory(UserFactory, password=None)
