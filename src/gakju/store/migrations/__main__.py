"""`python -m gakju.store.migrations "what it does"`: write the next version, with what the models have and it lacks."""

from __future__ import annotations

import re
import sys

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

import gakju.store
from gakju.store import migrations


def main(message: str) -> None:
    name = f"v{len(migrations.versions()) + 1:04}_{re.sub(r'[^a-z0-9]+', '_', message.lower()).strip('_')[:26]}"
    config = Config()
    config.set_main_option("script_location", str(migrations.HERE).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s")
    with create_engine("sqlite://").connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        command.revision(config, message=message[:1].upper() + message[1:], rev_id=name, autogenerate=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f'usage: python -m {gakju.store.migrations.__name__} "what it does"')
    main(sys.argv[1])
