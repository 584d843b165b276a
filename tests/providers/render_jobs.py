"""Let the real worker classes make a job of each template, as a worker would for a flow run.

`python -m tests.providers.render_jobs` reads work pool type -> template from standard input and prints
`{"jobs": type -> job, "check": [exit code, errors]}`, the latter of the command that compares the committed
templates. It is a process of its own, since Google's client and Pulumi's SDK can't share one. It is one for
both, since the workers' libraries take long to import.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from contextlib import redirect_stderr
from io import StringIO
from typing import Any
from uuid import uuid4

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun

from providers.catalog.job_templates import WORKERS
from providers.catalog.job_templates.__main__ import main as check


async def render(templates: dict[str, Any]) -> dict[str, Any]:
    jobs = {}
    async with get_client() as client:
        for pool_type, template in templates.items():
            module, _, name = WORKERS[pool_type].partition(":")
            worker = getattr(importlib.import_module(module), name)
            job = await worker.job_configuration.from_template_and_values(template, {}, client=client)
            job.prepare_for_flow_run(FlowRun(flow_id=uuid4(), name="night-run"))
            jobs[pool_type] = job.model_dump(mode="json")
    return jobs


if __name__ == "__main__":
    jobs = asyncio.run(render(json.load(sys.stdin)))
    with redirect_stderr(StringIO()) as said:
        code = check(["--check"])
    print(json.dumps({"jobs": jobs, "check": [code, said.getvalue()]}))
