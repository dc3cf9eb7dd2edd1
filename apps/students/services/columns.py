"""The columns of a families file and the many names schools give them, in English and Spanish."""

import re
from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.students.models import fold
from kernel.errors import Invalid

GUARDIANS = (1, 2)
GUARDIAN_FIELDS = ("name", "email", "phone", "relationship", "language", "pays")
REQUIRED = ("number", "first_name", "last_name", "class_name")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STUDENT_ALIASES: dict[str, frozenset[str]] = {
    "number": _words(
        "number no id student_number student_no student_id admission_number pupil_number numero"
        " num n_o numero_de_alumno numero_alumno n_o_de_alumno no_de_alumno n_alumno id_alumno"
        " matricula expediente"
    ),
    "first_name": _words(
        "first_name firstname given_name forename student_first_name nombre nombre_alumno"
        " nombre_del_alumno nombre_de_pila"
    ),
    "last_name": _words(
        "last_name lastname surname family_name student_last_name apellido apellidos"
        " apellidos_alumno apellidos_del_alumno"
    ),
    "date_of_birth": _words(
        "date_of_birth birth_date birthdate dob birthday born fecha_de_nacimiento"
        " fecha_nacimiento nacimiento"
    ),
    "class_name": _words(
        "class class_name classroom grade form group year_group clase curso grupo aula grado"
    ),
}
FIELD_ALIASES: dict[str, frozenset[str]] = {
    "name": _words("name full_name nombre nombre_completo"),
    "email": _words("email e_mail mail email_address correo correo_electronico"),
    "phone": _words("phone telephone tel mobile cell phone_number telefono movil"),
    "relationship": _words("relationship relation relacion parentesco vinculo"),
    "language": _words("language idioma lengua"),
    "pays": _words("pays payer paga pagador"),
}
GUARDIAN_WORDS = (
    "guardian|parent|contact|carer|mother|father"
    "|familiar|tutor|tutora|responsable|contacto|progenitor|madre|padre"
)
# A file with a column for each parent and no numbers: the father is the second guardian.
SECOND_GUARDIAN_WORDS = frozenset({"father", "padre"})
# guardian_1_email, parent1_email, tutor_email ...
_WHO_FIRST = re.compile(
    rf"^(?P<who>{GUARDIAN_WORDS})_?(?P<which>[12])?(?:_(?P<what>\w+))?$", re.ASCII
)
# email_guardian_1, correo_del_tutor_2 ...
_WHAT_FIRST = re.compile(
    rf"^(?P<what>\w+?)_(?:de_|del_|de_la_|of_)?(?P<who>{GUARDIAN_WORDS})_?(?P<which>[12])?$",
    re.ASCII,
)

LABELS = {
    "number": gettext_lazy("student number"),
    "first_name": gettext_lazy("first name"),
    "last_name": gettext_lazy("last name"),
    "date_of_birth": gettext_lazy("date of birth"),
    "class_name": gettext_lazy("class"),
}
GUARDIAN_LABELS = {
    "name": gettext_lazy("guardian %(n)d name"),
    "email": gettext_lazy("guardian %(n)d e-mail"),
    "phone": gettext_lazy("guardian %(n)d phone"),
    "relationship": gettext_lazy("guardian %(n)d relationship"),
    "language": gettext_lazy("guardian %(n)d language"),
    "pays": gettext_lazy("guardian %(n)d pays"),
}


def label(column: str) -> str:
    """What people call a column: "guardian2_email" -> "guardian 2 e-mail"."""
    match = re.fullmatch(r"guardian([12])_(\w+)", column)
    if match:
        return str(GUARDIAN_LABELS[match[2]]) % {"n": int(match[1])}
    return str(LABELS.get(column, column))


def _key(header: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", fold(header)).strip("_")


def recognise(header: str) -> str | None:
    """The column a header means, or None: "Fecha de nacimiento" -> "date_of_birth"."""
    key = _key(header)
    for column, aliases in STUDENT_ALIASES.items():
        if key in aliases:
            return column
    return _guardian_column(key)


def _guardian_column(key: str) -> str | None:
    for match in filter(None, (_WHO_FIRST.match(key), _WHAT_FIRST.match(key))):
        which = match["which"] or ("2" if match["who"] in SECOND_GUARDIAN_WORDS else "1")
        for field, aliases in FIELD_ALIASES.items():
            if (match["what"] or "name") in aliases:
                return f"guardian{which}_{field}"
    return None


def map_columns(headers: Sequence[str]) -> dict[str, int]:
    """Where each known column stands. Raises Invalid for a missing or a doubled column."""
    places: dict[str, int] = {}
    for place, header in enumerate(headers):
        column = recognise(header)
        if column is None:
            continue
        if column in places:
            _refuse_double(headers[places[column]], header, column)
        places[column] = place
    _check_required(places, headers)
    return places


def _refuse_double(first: str, second: str, column: str) -> None:
    message = _("The columns “%(first)s” and “%(second)s” both mean %(column)s. Keep one of them.")
    names = {"first": first[:60], "second": second[:60], "column": label(column)}
    raise Invalid(message % names, code="doubled_column", field="file")


def _check_required(places: dict[str, int], headers: Sequence[str]) -> None:
    missing = [label(column) for column in REQUIRED if column not in places]
    if not missing:
        return
    seen = ", ".join(header.strip()[:40] for header in headers[:12] if header.strip())
    message = _(
        "The first line must name the columns, and these are missing: %(missing)s. "
        "It reads: %(seen)s. Compare it with the sample file."
    )
    raise Invalid(
        message % {"missing": ", ".join(missing), "seen": seen or _("(nothing)")},
        code="missing_columns",
        field="file",
    )
