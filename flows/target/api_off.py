"""An API that is off: Google says so in a sentence, whoever calls, and no grant helps.

Source: https://cloud.google.com/apis/docs/troubleshooting
"""

from __future__ import annotations

import re

_OFF = re.compile(
    r"API has not been used in project (?P<project>[\w-]+) before or it is disabled"
    r"(?:.*?/api/(?P<service>[\w-]+\.googleapis\.com)/)?",
    re.DOTALL,
)


def advice(message: str, service: str) -> str:
    """Return what switches the API on, where the message is of one that is off; else "".

    ``service`` is the API that was called, such as bigquery.googleapis.com.
    """
    found = _OFF.search(message)
    if found is None:
        return ""
    name = found["service"] or service
    return f"Switch it on with `gcloud services enable {name} --project {found['project']}`."
