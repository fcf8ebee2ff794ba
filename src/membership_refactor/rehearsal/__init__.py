"""Rehearsal: the whole chain on a clone of the structure, with a sample of the rows."""

from membership_refactor.rehearsal.findings import Finding, Kind, Rehearsal
from membership_refactor.rehearsal.rehearse import rehearse
from membership_refactor.rehearsal.scratch import Place
from membership_refactor.rehearsal.subject import Subject, Wanted

__all__ = ["Finding", "Kind", "Place", "Rehearsal", "Subject", "Wanted", "rehearse"]
