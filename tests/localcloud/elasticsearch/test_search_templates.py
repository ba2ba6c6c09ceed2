"""Search templates on the local engine, whose distribution does not have them."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator

import pytest
from elasticsearch import BadRequestError, Elasticsearch, NotFoundError

from tests.support.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.elasticsearch


@pytest.fixture
def client(elasticsearch_server: ElasticsearchServer) -> Iterator[Elasticsearch]:
    with elasticsearch_server.client() as made:
        yield made


@pytest.fixture
def index(client: Elasticsearch) -> Iterator[str]:
    name = f"templates-{uuid.uuid4().hex[:8]}"
    client.indices.create(index=name, mappings={"properties": {"text": {"type": "text"}}})
    client.index(index=name, id="one", document={"text": 'a "quoted" word'}, refresh=True)
    yield name
    client.indices.delete(index=name)
    with contextlib.suppress(NotFoundError):
        client.delete_script(id=name)


def test_a_stored_template_searches_as_the_body_that_it_renders(
    client: Elasticsearch, index: str
) -> None:
    source = '{"query": {"match": {"text": {{#toJson}}match{{/toJson}}}}, "size": {{size}}}'
    client.put_script(id=index, script={"lang": "mustache", "source": source})
    params = {"match": {"query": 'the "quoted"', "boost": 2.5}, "size": 3}
    rendered = client.render_search_template(id=index, params=params)["template_output"]
    assert rendered == {"query": {"match": {"text": params["match"]}}, "size": 3}
    by_template = client.search_template(index=index, id=index, params=params)
    assert by_template["hits"] == client.search(index=index, body=rendered)["hits"]
    assert [hit["_id"] for hit in by_template["hits"]["hits"]] == ["one"]


def test_a_text_is_escaped_as_json(client: Elasticsearch) -> None:
    rendered = client.render_search_template(source='{"a": "{{a}}"}', params={"a": 'x "y" \\ \n'})
    assert rendered["template_output"] == {"a": 'x "y" \\ \n'}


def test_a_template_that_does_not_exist_is_named(client: Elasticsearch) -> None:
    with pytest.raises(NotFoundError, match="unable to find script"):
        client.search_template(id="missing", params={})


def test_an_unknown_key_is_refused(client: Elasticsearch) -> None:
    with pytest.raises(BadRequestError, match=r"unknown field \[parms\]"):
        client.perform_request(
            "POST",
            "/_render/template",
            headers={"content-type": "application/json", "accept": "application/json"},
            body={"source": "{}", "parms": {}},
        )


def test_a_template_that_is_not_closed_is_an_error_of_the_request(client: Elasticsearch) -> None:
    with pytest.raises(BadRequestError, match="script_exception"):
        client.render_search_template(source="{{#a}}", params={})


def test_a_search_needs_the_right_password(elasticsearch_server: ElasticsearchServer) -> None:
    client = Elasticsearch(elasticsearch_server.url, basic_auth=("elastic", "wrong"))
    with client, pytest.raises(Exception, match="unable to authenticate"):
        client.search_template(source='{"size": 1}', params={})
