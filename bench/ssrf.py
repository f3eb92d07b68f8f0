"""How many of the attempts to lead a visitor of the web into a private network connect? (None may.)

Spellings of loopback, IPv6 forms, private and metadata addresses, user information, schemes, redirects, names and
rebinding by a resolver of the test's own. A connection is one that the socket layer is asked for, to an address that
is not public.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from common import ROOT, report, table

sys.path.insert(0, str(ROOT / "tests" / "web"))


def main() -> None:
    from attempts import attempts, connected, listening

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    args = parser.parse_args()
    tried, through = Counter[str](), Counter[str]()
    with listening() as site:
        for attempt in attempts(39_999, f"http://site.example:{site}"):
            made, told = connected(attempt, site)
            tried[attempt.kind] += 1
            through[attempt.kind] += bool(made) or "answered" in told
    table((kind, f"{tried[kind]} tried, {through[kind]} connected") for kind in tried)
    report("ssrf", {"tried": tried.total(), "connected": through.total()}, args.json)
    if through.total():
        raise SystemExit(1)


if __name__ == "__main__":
    main()
