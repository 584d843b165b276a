"""The page for people: what exists and who may what, read only, no secret, nothing that is not escaped."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

from tests.local.google.world import ACCOUNTS, DATASETS, PROJECT

if TYPE_CHECKING:
    from tests.local.google.fake_bigquery import FakeBigQuery
    from tests.local.google.world import World


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.tags: set[str] = set()
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.ids |= {str(value) for name, value in attrs if name == "id"}

    def handle_data(self, data: str) -> None:
        self.words += [data.strip()] if data.strip() else []


def shown(world: World) -> Page:
    answer = world.call("GET", "/", "")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    return Page(answer.text)


def test_an_empty_project_has_a_page_too(world: World) -> None:
    assert f"Project {PROJECT}" in shown(world).words


def test_it_shows_tables_with_rows_accounts_and_grants(world: World, bigquery: FakeBigQuery) -> None:
    world.dataset("sales")
    table = {"tableReference": {"projectId": PROJECT, "datasetId": "sales", "tableId": "orders"}}
    bigquery.answers[f"{DATASETS}/sales/tables"] = {"tables": [table]}
    bigquery.answers[f"{DATASETS}/sales/tables/orders"] = table | {"type": "TABLE", "numRows": "336776"}
    email = world.account("dbt-local")
    world.grant(email, "roles/bigquery.jobUser")
    world.share("sales", "roles/bigquery.dataViewer", email)
    key = world.key(email)
    page = shown(world)
    for word in ("orders", "table", "336,776", email, "1 key", "READER", "roles/bigquery.jobUser"):
        assert word in page.words, word
    number = world.ok("GET", f"{ACCOUNTS}/{email}")["uniqueId"]
    # Where the stack's outputs lead.
    assert {"sales", number} <= page.ids
    text = world.call("GET", "/", "").text
    assert key["private_key_id"] not in text
    assert world.owner_token not in text


def test_what_people_have_written_is_text(world: World) -> None:
    world.ok(
        "POST", ACCOUNTS, json={"accountId": "nasty-one", "serviceAccount": {"displayName": "<script>x"}}
    )
    page = shown(world)
    assert "<script>x" in page.words
    assert "script" not in page.tags


def test_it_changes_nothing(world: World) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert world.call(method, "/").status_code == 404
