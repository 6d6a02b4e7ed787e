"""How Alembic reaches the application's database: the same engine, so the same pragmas and transactions."""

from alembic import context

import app.models  # noqa: F401  (knows every table)
from app.extensions import db
from app.kit.columns import metadata


def run() -> None:
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
