"""The web as a stage: search engines name pages, visits bring their bytes. Reading them is not done here."""

from gakju.web.engines import Bing, Brave, Engine, SearXNG, Tavily
from gakju.web.keyless import Keyless
from gakju.web.search import Searched, search
from gakju.web.visit import Visited, Visits
from gakju.web.when import Wish, queries, wish

__all__ = [
    "Bing",
    "Brave",
    "Engine",
    "Keyless",
    "SearXNG",
    "Searched",
    "Tavily",
    "Visited",
    "Visits",
    "Wish",
    "queries",
    "search",
    "wish",
]
