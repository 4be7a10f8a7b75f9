"""Databases and login roles of one server."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql


def create_database(admin_dsn: str, name: str, template: str | None = None) -> None:
    """Create database ``name``. A template is copied file by file, which for a small one is fastest."""
    statement = sql.SQL("create database {} template {} strategy file_copy").format(
        sql.Identifier(name), sql.Identifier(template or "template0")
    )
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        connection.execute(statement)


def drop_database(admin_dsn: str, name: str) -> None:
    """Drop database ``name`` if it exists, ending its connections."""
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def has_database(admin_dsn: str, name: str) -> bool:
    """Whether the server has a database called ``name``."""
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        found = connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone()
        return found is not None


def ensure_roles(admin_dsn: str, passwords: Mapping[str, str]) -> None:
    """Create the login roles that are missing, each with its password."""
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        present = {row[0] for row in connection.execute("select rolname from pg_roles")}
        for role in sorted(set(passwords) - present):
            connection.execute(
                sql.SQL("create role {} login password {}").format(
                    sql.Identifier(role), sql.Literal(passwords[role])
                )
            )
