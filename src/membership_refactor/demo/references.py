"""The rows that memberships refer to: persons, programmes, curricula, rotations, numbers.

Each row is computed from its position, so a membership can refer to it, and no list is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

ROTATIONS_PER_PROGRAMME = 3

_FORENAMES = ("Amina", "Bróna", "Chidi", "Dilys", "Eòghan", "Farah", "Grace", "Hamza", "Ines")
_SURNAMES = ("Okafor", "O'Neill", "Patel", "Smith", "Smith-Jones", "Nowak", "Ó Briain", "Li")
_OWNERS = ("Wessex", "North East", "Yorkshire and the Humber", "Thames Valley", "East of England")
_SPECIALTIES = ("Cardiology", "General Practice", "Core Surgical Training", "Paediatrics", "ACCS")
_PLACES = ("St Mary's", "Leeds  and Bradford", "Ysbyty Gwynedd", "North Tees", "King's  Mill")


@dataclass(frozen=True, slots=True)
class References:
    """The number of rows of each table. Every position below the number has an id and a row."""

    persons: int
    programmes: int
    curricula: int
    training_numbers: int

    @classmethod
    def for_memberships(cls, rows: int) -> References:
        """Return the numbers that suit ``rows`` legacy rows. Some persons have no membership."""
        persons = rows // 2 + 10
        return cls(
            persons=persons,
            programmes=min(1500, 6 + rows // 100),
            curricula=min(400, 12 + rows // 200),
            training_numbers=persons // 2 + 1,
        )

    @property
    def rotations(self) -> int:
        """The number of rotations of all programmes."""
        return self.programmes * ROTATIONS_PER_PROGRAMME

    def person_id(self, n: int) -> int:
        """Leave out every tenth id, as if a duplicate person had been deleted."""
        n %= self.persons
        return 1 + n + n // 9

    def programme_id(self, n: int) -> int:
        return 1000 + 3 * (n % self.programmes)

    def curriculum_id(self, n: int) -> int:
        return 1 + 2 * (n % self.curricula)

    def rotation_id(self, n: int) -> int:
        return 1 + n % self.rotations

    def rotation_name(self, n: int) -> str:
        """Return a name with apostrophes and double blanks, as real names have them."""
        n %= self.rotations
        return f"{_PLACES[n % len(_PLACES)]} {n // len(_PLACES) + 1}"

    def training_number_id(self, n: int) -> int:
        return 1 + n % self.training_numbers

    def lines(self) -> Iterator[tuple[str, tuple[str, ...], int, Iterator[str]]]:
        """Yield (table, columns, number of rows, COPY lines), referenced tables first.

        The rows with an id of 0 or -1 are there because joins once used these as stand-ins for
        NULL.
        """
        yield "person", ("id", "forenames", "surname", "status"), self.persons + 1, self._persons()
        yield (
            "programme",
            ("id", "programme_name", "programme_number", "owner", "status"),
            self.programmes + 1,
            self._programmes(),
        )
        yield "curriculum", ("id", "name", "curriculum_sub_type"), self.curricula, self._curricula()
        yield "rotation", ("id", "programme_id", "name"), self.rotations + 1, self._rotations()
        yield (
            "training_number",
            ("id", "training_number", "programme_id"),
            self.training_numbers + 2,
            self._training_numbers(),
        )

    def _persons(self) -> Iterator[str]:
        yield "0\tUnknown\tUnknown\t\\N\n"
        for n in range(self.persons):
            status = "INACTIVE" if n % 4 == 0 else "CURRENT"
            forename, surname = _FORENAMES[n % len(_FORENAMES)], _SURNAMES[n % len(_SURNAMES)]
            yield f"{self.person_id(n)}\t{forename}\t{surname}\t{status}\n"

    def _programmes(self) -> Iterator[str]:
        yield "0\tUnknown\t\\N\t\\N\tINACTIVE\n"
        for n in range(self.programmes):
            specialty = _SPECIALTIES[n % len(_SPECIALTIES)]
            owner = _OWNERS[n % len(_OWNERS)]
            number = f"WMD{n}/LEGACY" if n % 50 == 7 else f"YAH{n:04}"
            yield f"{self.programme_id(n)}\t{specialty} {owner}\t{number}\t{owner}\tCURRENT\n"

    def _curricula(self) -> Iterator[str]:
        for n in range(self.curricula):
            kind = "ACADEMIC" if n % 11 == 3 else "MEDICAL_CURRICULUM"
            name = f"{_SPECIALTIES[n % len(_SPECIALTIES)]} {n // len(_SPECIALTIES) + 1}"
            yield f"{self.curriculum_id(n)}\t{name}\t{kind}\n"

    def _rotations(self) -> Iterator[str]:
        yield "0\t0\tUnknown\n"
        for n in range(self.rotations):
            programme = self.programme_id(n // ROTATIONS_PER_PROGRAMME)
            yield f"{self.rotation_id(n)}\t{programme}\t{self.rotation_name(n)}\n"

    def _training_numbers(self) -> Iterator[str]:
        yield "-1\t\\N\t\\N\n"
        yield "0\tNONE\t\\N\n"
        for n in range(self.training_numbers):
            programme = "\\N" if n % 20 == 0 else self.programme_id(n)
            yield f"{self.training_number_id(n)}\tYAH/{n % 1000:03}/{n:06}/C\t{programme}\n"
