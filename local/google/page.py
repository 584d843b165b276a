"""One page for people: what exists here, and who may do what. It changes nothing and shows no secret.

Whoever gets past the guard may read it: programs of this user, and a browser that is sent here.
"""

from __future__ import annotations

import asyncio
from html import escape
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from local.google.bigquery.datasets import DATASET, sync
from local.google.context import gateway_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from local.google.context import Gateway
    from local.google.iam.authorize import Caller
    from local.google.state import AccountRecord, DatasetRecord, ProjectRecord

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; width: 100% }
th, td { border-bottom: 1px solid #8886; padding: .2rem .6rem .2rem 0; text-align: left; vertical-align: top }
td.number { font-variant-numeric: tabular-nums; text-align: right }
:target { background: #fe08 } h3 small { font-weight: normal }
"""
# Nothing is loaded from anywhere, and no other page may frame this one.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}

router = APIRouter()


@router.get("/")
async def page(request: Request) -> Response:
    """Show every project that is served."""
    gateway = gateway_of(request)
    owner = gateway.tokens.owner
    parts = [await _project(gateway, owner, name) for name in gateway.store.project_ids()]
    content = (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>BigQuery on this machine</title>"
        f"<style>{_STYLE}</style><h1>BigQuery on this machine</h1>"
        "<p>What this local endpoint holds. This page is read-only: change it with Pulumi, dbt or a client. "
        'For the commands: <code>eval "$(.venv/bin/python -m local env)"</code>.</p>' + "".join(parts)
    )
    return HTMLResponse(content, headers=_HEADERS)


async def _project(gateway: Gateway, owner: Caller, project_id: str) -> str:
    await sync(gateway, project_id, owner)
    project = gateway.authorizer.project(project_id)
    datasets = [
        await _dataset(gateway, owner, project_id, name, record)
        for name, record in sorted(project.datasets.items())
    ]
    return (
        f"<h2>Project {escape(project_id)}</h2><h2>Datasets</h2>{''.join(datasets) or '<p>None yet.</p>'}"
        f"<h2>Service accounts</h2>{_accounts(project)}"
        f"<h2>Who may what in the whole project</h2>{_roles(project.bindings)}"
        f"<h2>Google APIs that are on</h2><p>{escape(', '.join(project.services)) or 'None.'}</p>"
    )


async def _dataset(
    gateway: Gateway, owner: Caller, project_id: str, dataset_id: str, record: DatasetRecord
) -> str:
    path = DATASET.format(project_id=project_id, dataset_id=dataset_id) + "/tables"
    listed = (await gateway.backend.get(path, owner, {"maxResults": "100000"})).get("tables", [])
    names = sorted(str(item["tableReference"]["tableId"]) for item in listed)
    tables = await asyncio.gather(*(gateway.backend.call("GET", f"{path}/{name}", owner) for name in names))
    rows = [
        (name, str(found.get("type", "")).lower(), _rows(found))
        for name, (status, found) in zip(names, tables, strict=True)
        if status < 400
    ]
    access = [
        (str(entry[kind]), str(entry.get("role", "")))
        for entry in record.fields.get("access", [])
        for kind in ("userByEmail", "groupByEmail", "domain", "specialGroup", "iamMember")
        if kind in entry
    ]
    return (
        f'<h3 id="{escape(dataset_id)}">{escape(dataset_id)} <small>in {escape(record.fields["location"])}'
        f"</small></h3>{_table(('table', 'type', 'rows'), rows)}{_table(('who', 'role'), access)}"
    )


def _rows(table: dict[str, Any]) -> str:
    """The number of rows; a view has none of its own."""
    return f"{int(table['numRows']):,}" if table.get("type") == "TABLE" and "numRows" in table else ""


def _accounts(project: ProjectRecord) -> str:
    if not project.accounts:
        return "<p>None yet.</p>"
    return "".join(_account(account) for _, account in sorted(project.accounts.items()))


def _account(account: AccountRecord) -> str:
    state = "disabled, " if account.disabled else ""
    keys = len(account.keys)
    return (
        f'<h3 id="{escape(account.unique_id)}">{escape(account.email)} '
        f"<small>{state}{keys} key{'' if keys == 1 else 's'}</small></h3>"
        f"<p>{escape(account.display_name)}</p>{_roles(account.bindings)}"
    )


def _roles(bindings: Iterable[dict[str, Any]]) -> str:
    held = [(str(member), str(binding["role"])) for binding in bindings for member in binding["members"]]
    return _table(("who", "role"), sorted(held)) if held else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    titles = "".join(f"<th>{escape(title)}" for title in head)
    body = "".join("<tr>" + "".join(_cell(cell) for cell in row) for row in rows)
    return f"<table><tr>{titles}{body}</table>" if body else "<p>Empty.</p>"


def _cell(text: str) -> str:
    number = ' class="number"' if text.replace(",", "").isdigit() else ""
    return f"<td{number}>{escape(text)}"
