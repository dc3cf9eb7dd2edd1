"""What the English-speaking demo school tells the public."""


def profile(name: str) -> dict[str, str]:
    return {
        "hero_title": f"Welcome to {name}",
        "hero_text": "A neighborhood school where every child is known by name.",
        "about": (
            f"{name} has taught the children of this neighborhood since 1954. Around three hundred "
            "students learn here, from kindergarten through eighth grade.\n\n"
            "## What matters to us\n\n"
            "- **Reading every day.** Each day starts with twenty quiet minutes and a book.\n"
            "- **Learning outdoors.** Our garden feeds science lessons and, in June, the kitchen.\n"
            "- **Music for everyone.** Every third grader learns an instrument, at no cost.\n"
        ),
        "principal": "Dr. Ellen Whitaker",
        "hours": "Monday to Thursday, 7:45 AM to 4:00 PM\nFriday, 7:45 AM to 2:30 PM",
    }


def contact_details(slug: str) -> dict[str, str]:
    """For the school's settings."""
    return {
        "address": "1400 Maple Avenue\nSpringfield, IL 62704",
        "contact_phone": "+1 217 555 0142",
        "contact_email": f"office@{slug}.example",
    }


PAGES = [
    (
        "Admissions",
        "We enroll new students all year round.\n\n"
        "## How to apply\n\n"
        "1. Visit us: tours are on the first Tuesday of the month at 9 AM.\n"
        "2. Bring proof of address and your child's birth certificate and immunization record.\n"
        "3. You will hear from us within a week.\n\n"
        "Questions? Write to the office or call us.",
    ),
    (
        "School day",
        "| Time | What happens |\n| --- | --- |\n| 7:45 AM | Doors open, breakfast club |\n"
        "| 8:15 AM | Classes begin |\n| 11:45 AM | Lunch and recess |\n| 2:45 PM | Dismissal |\n"
        "| 3:00 to 5:30 PM | Clubs and after-school care |\n\n"
        "If your child is sick, please call the office before 8:30 AM.",
    ),
    (
        "Fees and payments",
        "Bills are sent by e-mail at the start of each term. The link in the e-mail opens your "
        "family's account: you see all your children and can pay at once, **without a password**.\n"
        "\nDo you need to pay in installments? Talk to the bursar's office: we will find a way.",
    ),
]

STAFF = [
    ("Dr. Ellen Whitaker", "Principal"),
    ("Priya Nair", "School office"),
    ("Daniel Ortega", "Bursar"),
    ("Tom Becker", "Grade 5, math"),
    ("Maya Robinson", "Grade 4, science and garden"),
    ("Hannah Liu", "Grade 3, music"),
    ("Marcus Hill", "Grade 2, physical education"),
    ("Sofia Alvarez", "Grade 1, Spanish"),
    ("Ruth Feldman", "Kindergarten"),
    ("Nurse Carol Jensen", "Health room"),
]

NEWS = [
    (
        "Winter concert: admission is free, so come early",
        "The choir, the third-grade recorders and, for the first time, our **new string group** "
        "play in the gym. Doors open half an hour early.\n\nGrandparents, neighbors and "
        "little brothers and sisters are welcome. Eighth-grade parents will be selling hot "
        "chocolate to raise money for the class trip.",
        "Hannah Liu",
    ),
    (
        "Second place at the county math meet",
        "Six of our fifth graders came home with silver. The last round went to a tiebreaker, and "
        "the whole bus sang on the way back. Well done, all of you, and thank you to Mr. Becker "
        "for the Thursday afternoons.",
        "Dr. Ellen Whitaker",
    ),
    (
        "Lost and found is overflowing",
        "So far: *eleven* left gloves, four lunch boxes and one trumpet mouthpiece. Everything is "
        "on the table next to the office until Friday of next week. Whatever is left will be "
        "donated to the shelter.",
        "Priya Nair",
    ),
    (
        "Picture retake day",
        "Eyes closed last time? The photographer is back on Wednesday, starting at 8:30 AM. "
        "Bring the old prints; they will be exchanged free of charge.",
        "School office",
    ),
    (
        "What third grade learned at the water plant",
        "Where does the water go? The third grade followed it from the drain to the river. "
        "Favorites: the screens (smelly), the microscope (alive!) and the helmets.\n\n"
        "The posters are up in the second-floor hallway until the end of the month.",
        "Hannah Liu",
    ),
    (
        "Please drop off on Maple, not on 14th",
        "The city is repairing the sidewalk on 14th Street. For the next two weeks please use the "
        "**Maple Avenue** side for drop-off and pick-up. Crossing guards are at both corners.",
        "Priya Nair",
    ),
    (
        "New in the library: graphic novels",
        "Thanks to the book fair we were able to buy sixty-two new books, most of them from the "
        "suggestion box. Students may now check out three at a time.",
        "School library",
    ),
    (
        "Chess club has spots again",
        "The club has moved to a bigger room, so it can take eight more players. Beginners are "
        "welcome. Families sign up from their account.",
        "Tom Becker",
    ),
    (
        "Parent night: your questions answered",
        "Thank you to the ninety families who came. The three most common questions:\n\n"
        "- **Homework**: twenty minutes in grades 1 to 3, forty in grades 4 and 5, an hour from "
        "grade 6 on.\n"
        "- **Phones**: they stay in the backpack, switched off.\n"
        "- **Lunch**: there is now a vegetarian option every day.",
        "Dr. Ellen Whitaker",
    ),
    (
        "Flu season: when to stay home",
        "Children with a fever stay home until they have been fever-free for a full day. Please "
        "call the office before 8:30 AM. The health room has masks and can answer questions.",
        "Carol Jensen",
    ),
    (
        "The garden gave 140 pounds of pumpkins",
        "Second grade weighed every one of them and drew a chart. Fourth grade cooked soup for the "
        "whole school. The recipe is in the office.",
        "Maya Robinson",
    ),
    (
        "Welcome to our four new students",
        "Amara, Leo, Jin and Beatriz have joined us this month. Their classmates have already "
        "shown them the two most important places: the library and the climbing wall.",
        "School office",
    ),
]
