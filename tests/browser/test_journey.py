"""Steps 2 to 9 of the first journey, clicked through as people would: staff at a desk, the parent
on a phone. And the same the other way round: the bursar may hold the phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from config.embedded import ROOT
from tests.browser.conftest import DESK, PHONE
from tests.browser.eyes import Watched
from tests.flows.families import amounts
from tests.flows.letters import Letters, link_in, text_of
from tests.flows.running import RunningStack

pytestmark = pytest.mark.browser

People = Callable[..., Watched]
SAMPLE = ROOT / "static" / "samples" / "families.csv"
PASSWORD = "seven quiet otters"
# Sarah Johnson's two children: tuition of 250.50 each.
FEE, OWED, BACK = 25_050, 50_100, 4_999


class Story:
    """The people of one new school, and what they do one after the other."""

    def __init__(
        self, running: RunningStack, letters: Letters, eventually: Callable[..., Any],
        person: People, slug: str, staff_width: int, parent_width: int,
    ) -> None:  # fmt: skip
        self.running, self.letters, self.eventually = running, letters, eventually
        self.person, self.slug, self.school = person, slug, running.address(slug)
        self.staff_width, self.parent_width = staff_width, parent_width
        self.problems: list[str] = []

    def look(self, somebody: Watched, name: str) -> None:
        self.problems += somebody.look(f"journey-{name}")

    def mail(self, address: str, part: str) -> str:
        """The newest link with `part` that was mailed to this address."""
        found = self.eventually(
            lambda: [mail for mail in self.letters.to(address) if part in text_of(mail)]
        )
        return link_in(found[-1], part)

    # Step 2

    def operator_makes_the_school(self) -> None:
        operator = self.person(self.staff_width)
        operator.sign_in(self.running.platform, "operator@homeroom.example")
        operator.open(f"{self.running.platform}/operator/schools/new/")
        page = operator.page
        page.get_by_label("Name of the school").fill(f"{self.slug.title()} School")
        page.get_by_label("Short name").fill(self.slug)
        page.get_by_label("First administrator").fill("Ada Admin")
        page.get_by_label("Their e-mail address").fill(f"ada@{self.slug}.example")
        page.locator("main form button.button-primary").click()
        page.get_by_role("heading", level=1, name="is open").wait_for()
        self.look(operator, "provisioned")

    # Step 3

    def admin_moves_in(self) -> Watched:
        admin = self.accept(f"ada@{self.slug}.example")
        assert "Set up the school" in admin.text()
        self.look(admin, "dashboard-empty")
        admin.open(f"{self.school}/portal/people/invite/")
        admin.page.get_by_label("Name").fill("Bea Bursar")
        admin.page.get_by_label("E-mail").fill(f"bea@{self.slug}.example")
        admin.page.get_by_label("Bursar").check()
        admin.press("Send invitation")
        admin.page.wait_for_url(lambda url: "/invite/" not in url)
        return admin

    def accept(self, address: str) -> Watched:
        somebody = self.person(self.staff_width)
        somebody.open(self.mail(address, "/invitation/"))
        self.look(somebody, "invitation")
        somebody.page.get_by_label("New password", exact=True).fill(PASSWORD)
        somebody.page.get_by_label("New password again").fill(PASSWORD)
        somebody.press("Set password and sign in")
        somebody.page.wait_for_url("**/portal/")
        return somebody

    # Step 4

    def bursar_imports(self, bursar: Watched) -> None:
        bursar.open(f"{self.school}/portal/students/import/")
        bursar.page.locator("[type=file]").set_input_files(SAMPLE)
        assert "families.csv" in bursar.page.locator("[data-file-name]").inner_text()
        bursar.press("Check the file")
        bursar.page.get_by_text("Nothing has been changed yet").wait_for()
        self.look(bursar, "dry-run")
        bursar.press("Import 6 rows")
        bursar.page.get_by_text("The families were imported.").wait_for()

    # Step 5

    def bursar_bills(self, bursar: Watched) -> None:
        page = bursar.page
        bursar.open(f"{self.school}/portal/fees/new/")
        page.get_by_label("Name", exact=False).first.fill("Tuition, autumn term")
        page.locator("[name=amount]").fill("250.50")
        bursar.press("Save fee")
        page.wait_for_url("**/portal/fees/")
        bursar.press("Bill", inside="tbody")
        page.get_by_label("All classes").check()
        bursar.press("Preview")
        page.get_by_role("heading", name="Worth a look").wait_for()
        assert "Ava O'Neill" in page.get_by_role("table", name="Worth a look").inner_text()
        self.look(bursar, "preview")
        bursar.press("Post…")
        dialog = page.get_by_role("dialog")
        assert "$1,503.00" in dialog.inner_text()
        self.look(bursar, "post-dialog")
        dialog.get_by_role("button", name="Post").click()
        page.get_by_text("Posted: 6 invoices.").wait_for()
        self.look(bursar, "posted")

    # Step 6

    def parent_pays(self) -> Watched:
        parent = self.person(self.parent_width)
        parent.open(self.mail("sarah.johnson@example.com", f"http://{self.slug}."))
        for child in ("Emma Johnson", "Liam Johnson"):
            assert child in parent.text()
        assert amounts(parent.text())[0] == OWED
        self.look(parent, "family-home")
        parent.press("Pay $501.00")
        parent.page.get_by_text("TEST", exact=False).first.wait_for()
        self.look(parent, "hosted")
        parent.page.get_by_role("button", name="Pay 501.00 USD").click()
        parent.page.get_by_role("heading", name="Paid: $501.00").wait_for()
        self.look(parent, "returned")
        parent.press("See the receipt")
        parent.page.get_by_role("heading", name="Receipt").wait_for()
        assert amounts(parent.text())[-1] == OWED
        self.look(parent, "receipt")
        assert parent.fetch("a[href$='receipt.pdf']") == "200 application/pdf %PDF-"
        assert "/receipts/" in self.mail("sarah.johnson@example.com", "/receipts/")
        return parent

    # Step 8

    def bursar_refunds(self, bursar: Watched) -> None:
        page = bursar.page
        bursar.open(f"{self.school}/portal/")
        assert "$1,002.00" in bursar.text()
        assert "Sarah Johnson" in bursar.text()
        bursar.open(f"{self.school}/portal/fees/invoices/?q=Emma")
        page.locator("tbody th a").first.click()
        page.locator("main a[href*='/portal/fees/students/']").first.click()
        bursar.press("Refund")
        page.get_by_role("textbox", name="Amount").fill("49.99")
        page.get_by_role("textbox", name="Reason").fill("Away for a week")
        page.get_by_label("The invoice is reduced").check()
        bursar.press("Go on")
        page.get_by_role("heading", name="Refund $49.99?").wait_for()
        bursar.press("Refund $49.99")
        page.wait_for_url(lambda url: "/refund/" not in url)
        self.eventually(lambda: "$49.99" in (page.reload() and bursar.text()))
        assert f"${(FEE - BACK) / 100:.2f}" in bursar.text()
        self.look(bursar, "ledger-refunded")

    def parent_sees_the_refund(self, parent: Watched) -> None:
        parent.page.reload()
        found = amounts(parent.text())
        assert found[-2:] == [OWED, -BACK]
        parent.press("Back to your balance")
        parent.page.get_by_text("All paid").wait_for()
        self.look(parent, "family-paid")

    # Step 9

    def admin_publishes(self, admin: Watched) -> None:
        admin.open(f"{self.school}/portal/website/news/new/")
        admin.page.get_by_label("Title").fill("Harvest fair on Saturday")
        admin.page.locator("textarea").first.fill("Bring **pies**.\n\nWe bring the band.")
        admin.press("Save and publish")
        admin.page.get_by_text("Published").first.wait_for()

    def stranger_reads(self) -> None:
        stranger = self.person(self.parent_width)
        stranger.open(self.school)
        assert "Harvest fair on Saturday" in stranger.text()
        stranger.press("Harvest fair on Saturday")
        stranger.page.locator("strong", has_text="pies").wait_for()
        for name in ("Johnson", "Emma", "sarah.johnson"):
            assert name not in stranger.text()
        stranger.open(f"{self.school}/calendar/")
        assert stranger.page.get_by_role("heading", level=1).inner_text() == "Calendar"


@pytest.mark.parametrize(
    ("slug", "staff", "parent"), [("willow", DESK, PHONE), ("poplar", PHONE, DESK)]
)
def test_from_a_new_school_to_a_refund(
    running: RunningStack, letters: Letters, eventually: Callable[..., Any], person: People,
    slug: str, staff: int, parent: int,
) -> None:  # fmt: skip
    # Both schools import the same sample, so the newest letter of Sarah's is told by its host.
    story = Story(running, letters, eventually, person, slug, staff, parent)
    story.operator_makes_the_school()
    admin = story.admin_moves_in()
    bursar = story.accept(f"bea@{slug}.example")
    story.bursar_imports(bursar)
    story.bursar_bills(bursar)
    sarah = story.parent_pays()
    story.bursar_refunds(bursar)
    story.parent_sees_the_refund(sarah)
    story.admin_publishes(admin)
    story.stranger_reads()
    assert story.problems == []
