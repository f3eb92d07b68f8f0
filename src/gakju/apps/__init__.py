"""Form apps: one YAML file each, run as a durable job and callable as the model `app:NAME`.

    apps = gakju.apps.of(assistant)
    job = apps.submit(apps.shelf.app("poet"), …)

A file comes from anyone: it is data, checked before anything is done with it, and runs nothing but its model.
"""

from gakju.apps.form import App, Input, checked, parse
from gakju.apps.running import COLLECTION, KIND, Apps, Written, of
from gakju.apps.shelf import Entry, Shelf, renamed
from gakju.apps.source import AppError, Trouble

__all__ = [
    "COLLECTION",
    "KIND",
    "App",
    "AppError",
    "Apps",
    "Entry",
    "Input",
    "Shelf",
    "Trouble",
    "Written",
    "checked",
    "of",
    "parse",
    "renamed",
]
