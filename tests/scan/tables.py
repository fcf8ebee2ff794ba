"""The tables that the compared statements read: the catalog tells their types."""

from __future__ import annotations

from sqlalchemy import Connection

_KEY = """person_id bigint NOT NULL, programme_id bigint NOT NULL, programme_membership_type text,
  programme_start_date date, programme_end_date date, rotation text, rotation_id bigint,
  training_number_id bigint, training_pathway text, leaving_reason text, leaving_destination text"""
TABLES = f"""
CREATE TABLE programme_membership (uuid uuid, {_KEY}, amended_date timestamptz);
CREATE TABLE curriculum_membership (id bigint, {_KEY}, curriculum_id bigint,
  curriculum_start_date date, curriculum_end_date date, curriculum_completion_date date,
  period_of_grace bigint, intrepid_id text, amended_date timestamptz,
  programme_membership_uuid uuid);
CREATE TABLE person (id bigint, status text, role text);
CREATE TABLE programme (id bigint, owner text, programme_name text, status text);
CREATE TABLE programme_curriculum (programme_id bigint, gmc_programme_code text);
CREATE TABLE training_number (id bigint, programme_id bigint, training_number text);
CREATE TABLE contact_details (id bigint, surname text);
CREATE TABLE rotation (id bigint, name text);
CREATE TABLE trainee (id bigint, person_id bigint);
CREATE TABLE visit (id bigint, membership_id bigint);
CREATE TABLE audit (note text, day text);
"""


def create_tables(connection: Connection) -> None:
    """Create and commit them, at the interim structure."""
    connection.exec_driver_sql(TABLES)
    connection.commit()
