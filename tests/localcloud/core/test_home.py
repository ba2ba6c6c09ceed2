"""The stack's home and its platform file."""

from __future__ import annotations

import itertools
import json
import socket
from pathlib import Path

import pytest

from localcloud.core.errors import HomeError
from localcloud.core.home import data_dir, init_home, is_free, load_platform
from localcloud.core.ids import Ids


def new_ids() -> Ids:
    return Ids("seed", itertools.count().__next__)


def test_second_init_returns_the_same_platform(tmp_path: Path) -> None:
    assert init_home(tmp_path) == init_home(tmp_path)


def test_two_homes_have_different_keys(tmp_path: Path) -> None:
    first, second = init_home(tmp_path / "a"), init_home(tmp_path / "b")
    assert first.access_key_secret != second.access_key_secret


def test_only_the_owner_can_read_the_platform_file(tmp_path: Path) -> None:
    init_home(tmp_path)
    assert (tmp_path / "platform.json").stat().st_mode & 0o777 == 0o600


def test_endpoints_are_in_the_address_range_of_the_stack(tmp_path: Path) -> None:
    platform = init_home(tmp_path)
    assert platform.endpoints == {
        "api": f"http://{platform.loopback_prefix}.0.2:8080",
        "oss": f"http://{platform.loopback_prefix}.0.3:9000",
        "dashscope": f"http://{platform.loopback_prefix}.0.4:8080",
        "issuer": f"http://{platform.loopback_prefix}.0.5:8080",
        "edge": f"http://{platform.loopback_prefix}.0.6:8787",
    }


def test_stacks_that_do_not_listen_yet_have_different_address_ranges(tmp_path: Path) -> None:
    prefixes = [init_home(tmp_path / str(number)).loopback_prefix for number in range(50)]
    assert len(set(prefixes)) == 50


def test_an_account_id_has_16_digits(tmp_path: Path) -> None:
    account_id = init_home(tmp_path).account_id
    assert (len(account_id), account_id.isdigit()) == (16, True)


def test_secrets_are_not_in_the_repr(tmp_path: Path) -> None:
    platform = init_home(tmp_path)
    assert platform.access_key_secret not in repr(platform)
    assert platform.dashscope_api_key not in repr(platform)


def test_missing_home_error_says_how_to_create_it(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="python -m localcloud init --home"):
        load_platform(tmp_path)


def test_error_names_unknown_key_in_platform_file(tmp_path: Path) -> None:
    init_home(tmp_path)
    path = tmp_path / "platform.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"colour": "red"}))
    with pytest.raises(HomeError, match="unknown keys \\['colour'\\]"):
        load_platform(tmp_path)


def test_an_address_in_use_is_not_free() -> None:
    with socket.socket() as server:
        server.bind(("127.19.0.9", 0))
        server.listen()
        assert not is_free("127.19.0.9", server.getsockname()[1])


def test_data_dir_is_in_the_home(tmp_path: Path) -> None:
    assert data_dir(tmp_path, "oss") == tmp_path / "cloud" / "oss"


def test_same_seed_and_order_give_the_same_ids() -> None:
    first, second = new_ids(), new_ids()
    assert [first.new("vpc-"), first.new("vpc-")] == [second.new("vpc-"), second.new("vpc-")]


def test_ids_are_unique() -> None:
    ids = new_ids()
    assert len({ids.new("i-", 8) for _ in range(500)}) == 500


def test_an_id_has_its_prefix_and_length() -> None:
    identifier = new_ids().new("vpc-bp1", 18)
    assert identifier.startswith("vpc-bp1")
    assert len(identifier) == 25
