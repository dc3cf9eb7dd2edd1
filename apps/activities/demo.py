"""Clubs, trips and a calendar of a school that does not exist, through the services."""

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from apps.activities.services import activities, calendar, signups
from apps.activities.services.activities import ActivityDetails
from apps.activities.services.calendar import EntryDetails
from apps.students import facade as students
from apps.students.contracts import StudentInfo
from kernel import schools

ACTOR = "demo"


@dataclass(frozen=True)
class Offer:
    """A demo activity: in how many days, for how long, and how many want a place."""

    en: tuple[str, str, str]  # title, place, description
    es: tuple[str, str, str]
    days: int
    hour: int
    hours: int
    places: int | None
    fee: int  # in minor units
    takers: int
    needs_permission: bool = False
    is_draft: bool = False


OFFERS = (
    Offer(
        ("Chess club", "Library", "Openings, end games and a friendly tournament at the end."),
        ("Club de ajedrez", "Biblioteca", "Aperturas, finales y un torneo amistoso para acabar."),
        days=9, hour=15, hours=1, places=9, fee=2500, takers=12,
    ),
    Offer(
        ("Zoo trip", "City zoo", "By bus, with a guided tour and lunch by the lake."),
        ("Excursión al zoo", "Zoo", "En autobús, con visita guiada y comida junto al lago."),
        days=16, hour=9, hours=6, places=14, fee=3200, takers=18, needs_permission=True,
    ),
    Offer(
        ("School choir", "Music room", "Everybody who likes to sing is welcome."),
        ("Coro", "Aula de música", "Para todos los que disfrutan cantando."),
        days=5, hour=14, hours=1, places=None, fee=0, takers=14,
    ),
    Offer(
        ("Science fair", "Gymnasium", "Show an experiment to families and friends."),
        ("Feria de ciencias", "Gimnasio", "Enseña un experimento a familias y amigos."),
        days=30, hour=10, hours=4, places=40, fee=0, takers=9,
    ),
    Offer(
        ("Robotics workshop", "Computer room", "Build and program a small robot to take home."),
        ("Taller de robótica", "Aula de informática", "Monta y programa un pequeño robot."),
        days=21, hour=15, hours=2, places=6, fee=4500, takers=8,
    ),
    Offer(
        ("Soccer camp", "Sports field", "Three hours of training with the school's coach."),
        ("Campus de fútbol", "Campo de deportes", "Tres horas con el entrenador del colegio."),
        days=12, hour=9, hours=3, places=30, fee=1500, takers=8, needs_permission=True,
    ),
    Offer(
        ("Museum of art", "Museum", "A drawing morning in the museum."),
        ("Museo de arte", "Museo", "Una mañana de dibujo en el museo."),
        days=-12, hour=9, hours=4, places=25, fee=1800, takers=8,
    ),
    Offer(
        ("Summer camp", "Lakeside", "A week by the lake. Details are still being worked out."),
        ("Campamento de verano", "El lago", "Una semana junto al lago. Estamos cerrando detalles."),
        days=120, hour=9, hours=8, places=50, fee=25000, takers=0, is_draft=True,
    ),
)  # fmt: skip

# English title, Spanish title, days from today, hour (None: all day), days it lasts, audience
ENTRIES: tuple[tuple[str, str, int, int | None, int, str], ...] = (
    ("Staff meeting", "Claustro", -26, 15, 1, "staff"),
    ("Picture day", "Día de la foto", -24, None, 1, "families"),
    ("Harvest festival", "Fiesta de otoño", -20, 16, 1, "public"),
    ("Parent-teacher evening", "Reunión de padres", -17, 18, 1, "families"),
    ("Fire drill", "Simulacro de evacuación", -15, 10, 1, "staff"),
    ("Library week", "Semana de la biblioteca", -13, None, 5, "public"),
    ("Spelling bee", "Concurso de ortografía", -9, 10, 1, "public"),
    ("Vision screening", "Revisión de la vista", -7, 9, 1, "families"),
    ("Staff training", "Formación del profesorado", -5, None, 1, "staff"),
    ("Open morning", "Jornada de puertas abiertas", -3, 9, 1, "public"),
    ("Book fair", "Feria del libro", -1, None, 4, "public"),
    ("Assembly", "Asamblea", 1, 9, 1, "families"),
    ("Staff meeting", "Claustro", 2, 15, 1, "staff"),
    ("School council", "Consejo escolar", 4, 17, 1, "families"),
    ("Music evening", "Velada musical", 7, 19, 1, "public"),
    ("Early dismissal", "Salida anticipada", 10, None, 1, "public"),
    ("Holiday", "Festivo", 11, None, 2, "public"),
    ("Report cards", "Entrega de notas", 15, None, 1, "families"),
    ("Food drive", "Recogida de alimentos", 17, None, 5, "public"),
    ("Winter concert", "Concierto de invierno", 24, 18, 1, "public"),
    ("Last day of term", "Último día del trimestre", 27, None, 1, "public"),
    ("Winter break", "Vacaciones de invierno", 28, None, 14, "public"),
    ("First day of term", "Primer día del trimestre", 44, None, 1, "public"),
    ("Parents' association", "Asociación de familias", 50, 18, 1, "families"),
    ("Sports day", "Día del deporte", 63, 9, 1, "public"),
)


def load_activities(seed: int) -> None:
    """Eight activities, some with waiting lists, and 25 calendar entries around today.

    Needs the demo families. The same seed gives the same sign-ups.
    """
    rng = random.Random(seed)
    pool = students.students_in_classes([info.id for info in students.list_classes()])
    for offer in OFFERS:
        _load_offer(offer, pool, rng)
    calendar.create_entries(entries=[_entry(row) for row in ENTRIES])


def _load_offer(offer: Offer, pool: list[StudentInfo], rng: random.Random) -> None:
    activity_id = activities.create_activity(details=_details(offer), actor=ACTOR)
    if offer.is_draft:
        return
    activities.publish_activity(activity_id=activity_id, actor=ACTOR)
    for student in rng.sample(pool, min(offer.takers, len(pool))):
        _sign_up(activity_id, student, offer)


def _sign_up(activity_id: UUID, student: StudentInfo, offer: Offer) -> None:
    signups.sign_up(
        activity_id=activity_id,
        student_id=student.id,
        permission_given=offer.needs_permission,
        actor=ACTOR,
    )


def _details(offer: Offer) -> ActivityDetails:
    title, place, description = offer.es if _speaks_spanish() else offer.en
    starts_at = _at(_weekday(offer.days), offer.hour)
    return ActivityDetails(
        title=title,
        place=place,
        description=description,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=offer.hours),
        signup_closes_at=starts_at - timedelta(days=1),
        places=offer.places,
        fee_minor=offer.fee,
        needs_permission=offer.needs_permission,
    )


def _speaks_spanish() -> bool:
    return bool(schools.current_school().language.startswith("es"))


def _weekday(days: int) -> date:
    """The day in so many days; a Monday in place of a weekend."""
    day = schools.today() + timedelta(days=days)
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)


def _at(day: date, hour: int) -> datetime:
    zone = ZoneInfo(schools.current_school().time_zone)
    return datetime.combine(day, time(hour), tzinfo=zone)


def _entry(row: tuple[str, str, int, int | None, int, str]) -> EntryDetails:
    english, spanish, days, hour, lasts, audience = row
    first = _weekday(days)
    if hour is None:
        starts_at, ends_at = _at(first, 0), _at(first + timedelta(days=lasts), 0)
    else:
        starts_at = _at(first, hour)
        ends_at = starts_at + timedelta(hours=1, minutes=30)
    return EntryDetails(
        title=spanish if _speaks_spanish() else english,
        starts_at=starts_at,
        ends_at=ends_at,
        all_day=hour is None,
        audience=audience,
    )
