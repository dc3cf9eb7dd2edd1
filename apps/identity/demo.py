"""Demo sign-ins: one for each role of a school, and one for a guardian."""

from apps.identity import facade as identity
from apps.identity import roles
from apps.identity.contracts import UserInfo
from kernel.schools import current_school

STAFF_NAMES = {
    "en": {
        roles.ADMIN: "Grace Coleman",
        roles.BURSAR: "Daniel Ortega",
        roles.OFFICE: "Priya Nair",
        roles.TEACHER: "Tom Becker",
    },
    "es": {
        roles.ADMIN: "Carmen Vidal",
        roles.BURSAR: "Javier Molina",
        roles.OFFICE: "Lucía Herrero",
        roles.TEACHER: "Andrés Gil",
    },
}


def create_staff(password: str) -> dict[str, str]:
    """One account for each staff role of the open school: {role: e-mail}. Safe to repeat."""
    school = current_school()
    names = STAFF_NAMES.get(school.language, STAFF_NAMES["en"])
    emails = {role: f"{role}@{school.slug}.example" for role in names}
    for role, email in emails.items():
        _ensure(email=email, name=names[role], role=role, password=password)
    return emails


def create_guardian_user(email: str, name: str, password: str) -> UserInfo:
    """A parent's account. Safe to repeat."""
    return _ensure(email=email, name=name, role=roles.GUARDIAN, password=password)


def _ensure(*, email: str, name: str, role: str, password: str) -> UserInfo:
    known = identity.find_user_by_email(email)
    if known is None:
        return identity.create_user(email=email, name=name, password=password, roles=[role])
    return identity.add_role(user_id=known.id, role=role, actor="demo")
