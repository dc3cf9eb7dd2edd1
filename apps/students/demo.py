"""Families of a school that does not exist, imported like any others."""

import csv
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from apps.students import facade
from apps.students.models import Enrolment, SchoolYear, fold
from apps.students.services.columns import GUARDIAN_FIELDS, GUARDIANS
from kernel import schools


@dataclass(frozen=True)
class Names:
    """What people and classes of one language are called."""

    language: str
    other_language: str
    mothers: tuple[str, ...]
    fathers: tuple[str, ...]
    children: tuple[str, ...]
    surnames: tuple[str, ...]
    classes: tuple[tuple[str, int], ...]  # class and the age of its children
    two_surnames: bool = False


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ENGLISH = Names(
    language="en",
    other_language="es",
    mothers=_words(
        "Sarah Jessica Emily Amanda Nicole Rachel Megan Laura Hannah Grace Mei Priya Fatima"
        " Aisha Claire Diane Monica Teresa Yuki Denise"
    ),
    fathers=_words(
        "Michael David James Robert Daniel Kevin Brian Andrew Marcus Omar Wei Raj Carlos Tyler"
        " Sean Patrick Jerome Luis Hiro Victor"
    ),
    children=_words(
        "Emma Liam Olivia Noah Ava Lucas Mia Ethan Zoe Mason Lily Jacob Chloe Aiden Ella Owen"
        " Maya Caleb Nora Isaac Ruby Leo Hazel Jonah Ivy Miles Stella Henry Violet Theo Clara"
        " Jack Alice Samuel Naomi Felix Iris Max June Eli"
    ),
    surnames=_words(
        "Johnson Williams Brown Miller Davis Garcia Rodriguez Wilson Martinez Anderson Taylor"
        " Thomas Moore Jackson Martin Lee Thompson White Lopez Clark Lewis Robinson Walker Hall"
        " Young King Wright Hill Scott Green Adams Baker Nelson Carter Mitchell Roberts Turner"
        " Phillips Campbell Parker Evans Edwards Collins Stewart Morris Nguyen Murphy Rivera Cook"
        " Rogers Morgan Cooper Peterson Reed Bailey Kelly Howard Kim Cox Ward Richardson Watson"
        " Brooks Chen Patel Bennett Gray Okafor Kowalski Schmidt"
    ),
    classes=(("K", 5), *((f"Grade {grade}", 5 + grade) for grade in range(1, 9))),
)
SPANISH = Names(
    language="es",
    other_language="en",
    mothers=_words(
        "María Carmen Ana Laura Cristina Marta Lucía Elena Raquel Silvia Patricia Beatriz Rocío"
        " Nuria Inés Pilar Teresa Sonia Alba Eva"
    ),
    fathers=_words(
        "Antonio José Manuel Francisco Javier Carlos Miguel Alejandro Rafael Pablo Sergio Fernando"
        " Luis Jorge Alberto Andrés Diego Raúl Iván Óscar"
    ),
    children=_words(
        "Lucía Hugo Martina Mateo Sofía Martín Julia Leo Paula Daniel Valeria Alejandro Emma Manuel"
        " Daniela Pablo Carla Álvaro Alma Adrián Olivia Enzo Sara Mario Carmen Diego Vega David"
        " Lara Lucas Claudia Nicolás Noa Marco Irene Iker Elena Gael Jimena Bruno"
    ),
    surnames=_words(
        "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz"
        " Hernández Díaz Moreno Muñoz Álvarez Romero Alonso Gutiérrez Navarro Torres Domínguez"
        " Vázquez Ramos Gil Ramírez Serrano Blanco Molina Morales Suárez Ortega Delgado Castro"
        " Ortiz Rubio Marín Sanz Núñez Iglesias Medina Garrido Cortés Castillo Santos Lozano"
        " Guerrero Cano Prieto Méndez Cruz Calvo Gallego Vidal León Márquez Herrera Peña"
    ),
    classes=tuple((f"{year}º {group}", 5 + year) for year in range(1, 7) for group in "AB"),
    two_surnames=True,
)


@dataclass
class _Writer:
    """Writes the rows of families one after the other."""

    rng: random.Random
    names: Names
    slug: str
    today: date
    addresses: set[str] = field(default_factory=set)
    number: int = 2000

    def family(self, size: int) -> Iterator[dict[str, str]]:
        first, second = self.rng.sample(self.names.surnames, 2)
        guardians = self._guardians(first, second)
        yield from self._children(size, self._surname(first, second), guardians)

    def known_family(self, size: int) -> Iterator[dict[str, str]]:
        """The family whose first guardian is the demo's parent."""
        first, second = self.names.surnames[0], self.names.surnames[7]
        mother = self._guardian(
            1,
            self._full_name(self.names.mothers[0], second, first),
            f"parent@{self.slug}.example",
            "mother",
        )
        father = self._guardian(
            2, self._full_name(self.names.fathers[0], first, second), None, "father"
        )
        yield from self._children(size, self._surname(first, second), mother | father)

    def _surname(self, first: str, second: str) -> str:
        return f"{first} {second}" if self.names.two_surnames else first

    def _full_name(self, given: str, first: str, second: str) -> str:
        return f"{given} {self._surname(first, second)}"

    def _guardians(self, first: str, second: str) -> dict[str, str]:
        chance = self.rng.random()
        mother = self._full_name(self.rng.choice(self.names.mothers), second, first)
        father = self._full_name(self.rng.choice(self.names.fathers), first, second)
        if not self.names.two_surnames and self.rng.random() < 0.7:
            mother = f"{mother.rsplit(' ', 1)[0]} {first}"
        if chance < 0.04:  # reached on paper only
            return self._guardian(1, mother, "", "mother")
        if chance < 0.28:
            return self._guardian(1, mother, None, "mother")
        if chance < 0.36:
            return self._guardian(1, father, None, "father")
        if chance < 0.42:
            return self._guardian(1, mother, None, "grandparent")
        silent = "" if chance < 0.55 else None
        return self._guardian(1, mother, None, "mother") | self._guardian(
            2, father, silent, "father"
        )

    def _guardian(
        self, order: int, name: str, email: str | None, relationship: str
    ) -> dict[str, str]:
        other = self.rng.random() < 0.12
        values = {
            "name": name,
            "email": self._address(name) if email is None else email,
            "phone": f"555-{self.rng.randrange(10_000):04d}",
            "relationship": relationship,
            "language": self.names.other_language if other else self.names.language,
            "pays": "no" if order == 2 and self.rng.random() < 0.2 else "yes",
        }
        return {f"guardian{order}_{field}": value for field, value in values.items()}

    def _address(self, name: str) -> str:
        stem = ".".join(fold(name).split()[:2])
        address, turn = f"{stem}@families.{self.slug}.example", 1
        while address in self.addresses:
            turn += 1
            address = f"{stem}{turn}@families.{self.slug}.example"
        self.addresses.add(address)
        return address

    def _children(
        self, size: int, surname: str, guardians: dict[str, str]
    ) -> Iterator[dict[str, str]]:
        given = self.rng.sample(self.names.children, size)
        ages = self.rng.sample(range(len(self.names.classes)), size)
        for name, place in zip(given, ages, strict=True):
            self.number += 1
            class_name, age = self.names.classes[place]
            yield {
                "number": str(self.number),
                "first_name": name,
                "last_name": surname,
                "date_of_birth": self._born(age).isoformat(),
                "class": class_name,
                **guardians,
            }

    def _born(self, age: int) -> date:
        start = self.today.year if self.today.month >= 8 else self.today.year - 1
        return date(start - age, self.rng.randrange(1, 13), self.rng.randrange(1, 29))


def _sizes(rng: random.Random, students: int, families: int) -> list[int]:
    """How many children each family has: one to four, together `students`; the first has three."""
    sizes = [1] * families
    spare = students - families
    sizes[0] += min(2, spare)
    spare -= sizes[0] - 1
    while spare > 0:
        family = rng.randrange(1, families)
        if sizes[family] < 4 or all(size >= 4 for size in sizes[1:]):
            sizes[family] += 1
            spare -= 1
    return sizes


def families_csv(*, students: int, families: int, seed: int) -> bytes:
    """A families file in the open school's language; the same for the same seed."""
    school = schools.current_school()
    rng = random.Random(seed)
    names = SPANISH if school.language.startswith("es") else ENGLISH
    writer = _Writer(rng, names, school.slug, schools.today())
    first, *others = _sizes(rng, students, families)
    rows = [*writer.known_family(first)]
    for size in others:
        rows.extend(writer.family(size))
    return _csv(rows)


def _csv(rows: list[dict[str, str]]) -> bytes:
    columns = ["number", "first_name", "last_name", "date_of_birth", "class"]
    columns += [f"guardian{order}_{name}" for order in GUARDIANS for name in GUARDIAN_FIELDS]
    out = io.StringIO()
    table = csv.DictWriter(out, columns, restval="")
    table.writeheader()
    table.writerows(rows)
    return out.getvalue().encode()


def load_families(*, students: int, families: int, seed: int) -> None:
    """Fill the open school with families; parent@<slug>.example has three children (two when
    `students` - `families` is one). Needs `students` > `families`."""
    facade.import_families(
        families_csv(students=students, families=families, seed=seed),
        f"office@{schools.current_school().slug}.example",
        file_name="families.csv",
    )
    # The import enrols from today on; these children have been here since the year began.
    year = SchoolYear.objects.get(is_current=True)
    Enrolment.objects.filter(starts_on=schools.today()).update(starts_on=year.starts_on)
