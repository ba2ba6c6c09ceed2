"""A reranker behind DashScope's OpenAI-like rerank API.

Owns the request, its timeout and the error messages. Does not own the choice of passages
(`rag.retrieve`) or the key (`rag.secret`).

    POST {base_url}/reranks  {"model", "query", "documents": [str], "top_n"}
    -> {"results": [{"index", "relevance_score"}], "usage": {"total_tokens"}}

Limits of qwen3-rerank: 500 documents, 4,000 tokens each, which it cuts, and 120,000 in a request,
where the question counts once for each document.
https://www.alibabacloud.com/help/en/model-studio/rerank (read 2026-11). It was not run against the
real service.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import httpx

from rag.errors import RerankError
from rag.hits import Passage
from rag.rerank import Asked

__all__ = ["HostedReranker", "scores_in"]

_MOST_CHARACTERS = 4000
"""Of a passage. A chunk has 1,000 and its table header a quarter of that; titles may be long."""


class HostedReranker:
    """A rerank model of a hosted service.

    Args:
        base_url: The endpoint, up to and including ``/v1``.
        name: The model's name there.
        api_key: Its key.
        renew: Takes the key that the endpoint refused and returns another, or None if there is no
            other. The client repeats the refused request once.
        timeout_seconds: Longest wait for the scores. The reader waits for them before the answer
            begins.
        transport: Replaces the network in tests.
    """

    def __init__(
        self,
        base_url: str,
        name: str,
        api_key: str,
        *,
        renew: Callable[[str], Awaitable[str | None]] | None = None,
        timeout_seconds: float = 5.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.name = name
        self._url = f"{base_url.rstrip('/')}/reranks"
        self._api_key = api_key
        self._renew = renew
        self._http = httpx.AsyncClient(
            transport=transport, timeout=httpx.Timeout(timeout_seconds, connect=2.0)
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def scores(self, question: Asked, passages: Sequence[Passage]) -> list[float]:
        """Return the model's relevance of each passage; see `rag.rerank.Reranker`."""
        if not passages:
            return []
        body = {
            "model": self.name,
            "query": question.text,
            "documents": [passage.text[:_MOST_CHARACTERS] for passage in passages],
            "top_n": len(passages),
        }
        answer = await self._post(body)
        try:
            return scores_in(answer, len(passages))
        except (KeyError, TypeError, ValueError) as error:
            raise RerankError(
                f"The reranker {self.name!r} at {self._url} did not return a score for each of "
                f"{len(passages)} passages: {error!r}."
            ) from error

    async def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        where = f"The reranker {self.name!r} at {self._url}"
        try:
            response = await self._send(body)
            if response.status_code == httpx.codes.UNAUTHORIZED and self._renew is not None:
                other = await self._renew(self._api_key)
                if other is not None:
                    self._api_key = other
                    response = await self._send(body)
            if response.status_code != httpx.codes.OK:
                raise RerankError(f"{where} answered {response.status_code}: {_reason(response)}")
            answer = response.json()
        except httpx.TimeoutException as error:
            raise RerankError(f"{where} did not answer in time.") from error
        except httpx.HTTPError as error:
            raise RerankError(f"{where} cannot be reached: {error!r}.") from error
        except ValueError as error:
            raise RerankError(f"{where} did not return valid JSON.") from error
        if not isinstance(answer, dict):
            raise RerankError(f"{where} did not return a JSON object.")
        return answer

    async def _send(self, body: dict[str, Any]) -> httpx.Response:
        return await self._http.post(
            self._url, json=body, headers={"authorization": f"Bearer {self._api_key}"}
        )


def scores_in(answer: Mapping[str, Any], count: int) -> list[float]:
    """Return the scores of an answer in the order of the documents.

    Raises:
        KeyError, TypeError, ValueError: It does not have a score for each of `count` documents.
    """
    by_index = {
        int(result["index"]): float(result["relevance_score"]) for result in answer["results"]
    }
    return [by_index[at] for at in range(count)]


def _reason(response: httpx.Response) -> str:
    """Return the service's own message: of the compatible form, or of the native one."""
    try:
        body = response.json()
        return str(body.get("error", body)["message"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return response.text[:200]
