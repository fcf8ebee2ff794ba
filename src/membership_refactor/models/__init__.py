"""The models of the current structure; ``.legacy`` and ``.interim`` have the earlier ones."""

from membership_refactor.models.current import (
    Base,
    Curriculum,
    CurriculumMembership,
    Person,
    Programme,
    ProgrammeMembership,
    Rotation,
    TrainingNumber,
)

__all__ = [
    "Base",
    "Curriculum",
    "CurriculumMembership",
    "Person",
    "Programme",
    "ProgrammeMembership",
    "Rotation",
    "TrainingNumber",
]
