"""PostgreSQL without an installer: the binaries of a wheel, run and guarded by us."""

from services.runtime.postgres.embedded import EmbeddedPostgres
from services.runtime.postgres.migrate import check_migrated, migrate, mint_log_id

__all__ = ["EmbeddedPostgres", "check_migrated", "migrate", "mint_log_id"]
