"""A public site for tests."""

from datetime import timedelta
from io import BytesIO

import factory
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from apps.website.models import NewsPost, Page, StaffEntry

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


class NewsPostFactory(factory.django.DjangoModelFactory):
    """A post that was published an hour ago; `published_at=None` makes a draft."""

    class Meta:
        model = NewsPost

    slug = factory.Sequence(lambda n: f"post-{n}")
    title = factory.Sequence(lambda n: f"Post {n}")
    body = "Something happened."
    published_at = factory.LazyFunction(lambda: timezone.now() - timedelta(hours=1))


class PageFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Page

    slug = factory.Sequence(lambda n: f"page-{n}")
    title = factory.Sequence(lambda n: f"Page {n}")
    body = "Text."
    is_published = True


class StaffEntryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = StaffEntry

    name = factory.Sequence(lambda n: f"Teacher {n}")
    position = "Grade 5"


def upload(content: bytes = PDF, name: str = "menu.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def office_file(*members: str) -> bytes:
    """A zip with these members, as office programs make them."""
    import zipfile

    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member in members:
            archive.writestr(member, "x")
    return buffer.getvalue()
