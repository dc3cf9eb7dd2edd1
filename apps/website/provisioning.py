"""What a new school finds on its public site: a profile to complete and a first piece of news."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.tenants.contracts import ProvisioningContext
from apps.tenants.facade import provisioning_step
from apps.website.services.news import create_news, publish_news
from apps.website.services.profile import update_profile


@provisioning_step(gettext_lazy("Public site opened with a first post"))
def open_public_site(context: ProvisioningContext) -> None:
    """In the school's own language, which is active while the steps run."""
    name = context.school.name
    update_profile(
        hero_title=_("Welcome to %(school)s") % {"school": name},
        hero_text=_("News, dates and everything families need to know."),
    )
    post = create_news(
        title=_("Our new website is here"),
        body=_(
            "Welcome to the new website of %(school)s.\n\n"
            "Here you find our **news**, the **calendar** and how to reach us. Families see and "
            "pay their bills online, from the link in our e-mails, without a password."
        )
        % {"school": name},
        author_name=name,
        is_starter=True,
    )
    publish_news(news_id=post.id, actor="homeroom")
