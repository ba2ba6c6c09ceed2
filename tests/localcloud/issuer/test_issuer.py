"""The local issuer: tokens, keys, rotation."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from localcloud.core.home import init_home
from localcloud.core.resources import Context
from localcloud.core.store import open_store
from localcloud.daemon import make_context
from localcloud.issuer.__main__ import main
from localcloud.issuer.codes import CODE_SECONDS, SignedIn, SignInCodes
from localcloud.issuer.keys import SESSION_SECONDS, TOKEN_SECONDS, SigningKeys
from localcloud.issuer.server import Issuer


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    init_home(tmp_path)
    made = make_context(tmp_path)
    issuer = Issuer(made)
    issuer.start()
    yield made
    issuer.close()
    made.store.close()


def fetched(url: str, form: dict[str, str] | None = None, client: str = "") -> Any:
    headers = {"Authorization": f"Basic {base64.b64encode(client.encode()).decode()}"}
    data = None if form is None else urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(url, data=data, headers=headers if client else {})
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def client_of(context: Context) -> str:
    return f"{context.platform.access_key_id}:{context.platform.access_key_secret}"


def verified(context: Context, token: str, audience: str) -> dict[str, Any]:
    """Verify a token with the published keys, and return its claims."""
    url = context.platform.endpoints["issuer"]
    configuration = fetched(f"{url}/.well-known/openid-configuration")
    keys = jwt.PyJWKSet.from_dict(fetched(configuration["jwks_uri"]))
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=["ES256"], audience=audience, issuer=configuration["issuer"]
    )
    return claims


def test_published_keys_verify_a_token(context: Context) -> None:
    url = context.platform.endpoints["issuer"]
    form = {
        "grant_type": "client_credentials",
        "audience": "customrag",
        "subject": "ada",
        "tenant": "north",
    }
    answer = fetched(f"{url}/oauth/token", form, client_of(context))
    claims = verified(context, answer["access_token"], "customrag")
    assert (claims["sub"], claims["tenant"]) == ("ada", "north")
    assert claims["exp"] - claims["iat"] == TOKEN_SECONDS == answer["expires_in"]


def test_command_line_prints_a_token(context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    home = str(context.platform.home)
    assert main(["token", "--home", home, "--audience", "mine"]) == 0
    claims = verified(context, capsys.readouterr().out.strip(), "mine")
    assert claims["sub"] == "local"
    assert "tenant" not in claims


@pytest.mark.parametrize("client", ["", "unknown:secret", "nocolon"])
@pytest.mark.parametrize("route", ["token", "code", "rotate"])
def test_token_request_without_the_account_key_is_refused(
    context: Context, route: str, client: str
) -> None:
    url = context.platform.endpoints["issuer"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetched(f"{url}/oauth/{route}", {"grant_type": "client_credentials"}, client)
    with refused.value as error:
        assert error.code == 401


def test_unsupported_grant_type_is_refused(context: Context) -> None:
    url = context.platform.endpoints["issuer"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetched(f"{url}/oauth/token", {"grant_type": "password"}, client_of(context))
    with refused.value as error:
        assert error.code == 400
        assert json.load(error)["error"] == "unsupported_grant_type"


def exchanged(context: Context, code: str) -> Any:
    url = context.platform.endpoints["issuer"]
    return fetched(f"{url}/oauth/token", {"grant_type": "authorization_code", "code": code})


def test_sign_in_code_is_exchanged_for_a_token_once(
    context: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["code", "--home", str(context.platform.home), "--subject", "ada"]) == 0
    code = capsys.readouterr().out.strip()
    answer = exchanged(context, code)
    claims = verified(context, answer["access_token"], "customrag")
    assert claims["sub"] == "ada"
    assert claims["exp"] - claims["iat"] == SESSION_SECONDS == answer["expires_in"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        exchanged(context, code)
    with refused.value as error:
        assert (error.code, json.load(error)["error"]) == (400, "invalid_grant")


def test_unknown_code_is_refused(context: Context) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        exchanged(context, "guessed")
    refused.value.close()
    assert refused.value.code == 400


def test_page_of_another_origin_can_exchange_a_code(context: Context) -> None:
    url = f"{context.platform.endpoints['issuer']}/.well-known/openid-configuration"
    with urllib.request.urlopen(url, timeout=10) as response:
        assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_code_expires_and_is_not_in_the_store(tmp_path: Path) -> None:
    now = [1_000_000.0]
    store = open_store(tmp_path)
    codes = SignInCodes(store, clock=lambda: now[0])
    claims = SignedIn(audience="a", subject="s", tenant="")
    late, in_time = codes.issue(claims), codes.issue(claims)
    now[0] += CODE_SECONDS - 1
    assert codes.redeem(in_time) == claims
    now[0] += 1
    assert late not in str(list(store.table("issuer.codes").items()))
    assert codes.redeem(late) is None


def kids(keys: SigningKeys) -> set[str]:
    return {key["kid"] for key in keys.published()["keys"]}


def test_old_key_stays_published_until_its_tokens_expire(tmp_path: Path) -> None:
    now = [1_000_000.0]
    keys = SigningKeys(open_store(tmp_path), "http://issuer", clock=lambda: now[0])
    old = kids(keys)
    new = keys.rotate()
    assert kids(keys) == old | {new}
    token = keys.sign(audience="a", subject="s", tenant="")
    assert jwt.get_unverified_header(token)["kid"] == new
    now[0] += SESSION_SECONDS + 1
    assert kids(keys) == old | {new}
    now[0] += 1_000
    assert kids(keys) == {new}


def test_published_keys_have_no_private_part(tmp_path: Path) -> None:
    keys = SigningKeys(open_store(tmp_path), "http://issuer")
    for key in keys.published()["keys"]:
        assert "d" not in key


def test_keys_survive_a_restart(tmp_path: Path) -> None:
    before = kids(SigningKeys(open_store(tmp_path), "http://issuer"))
    assert kids(SigningKeys(open_store(tmp_path), "http://issuer")) == before
