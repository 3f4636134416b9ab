"""What every key store does.

class TestMyKeyStore(KeyStoreContract):
    @pytest.fixture
    async def keys(self): yield …
"""

from datetime import UTC, datetime

import pytest
from trunkline_core.errors import Erased
from trunkline_platform.keystore import KeyStore


class KeyStoreContract:
    """Subclasses provide the fixture `keys`: an empty store."""

    async def test_a_created_key_is_found_by_id_and_by_owner(self, keys: KeyStore) -> None:
        key = await keys.create("cu_1", "tn_1")
        assert len(key.secret) == 32
        assert await keys.get(key.key_id) == key
        assert await keys.current("cu_1", "tn_1") == key

    async def test_keys_differ_from_each_other(self, keys: KeyStore) -> None:
        first, second = await keys.create("cu_1", "tn_1"), await keys.create("cu_1", "tn_1")
        assert first.key_id != second.key_id and first.secret != second.secret

    async def test_the_newest_key_of_an_owner_is_the_current_one(self, keys: KeyStore) -> None:
        for _ in range(5):
            newest = await keys.create("cu_1", "tn_1")
        assert await keys.current("cu_1", "tn_1") == newest

    async def test_an_unknown_owner_or_key_is_none(self, keys: KeyStore) -> None:
        assert await keys.current("cu_9", "tn_1") is None
        assert await keys.get("dk_9") is None

    async def test_the_owner_of_another_tenant_has_no_current_key(self, keys: KeyStore) -> None:
        await keys.create("cu_1", "tn_1")
        assert await keys.current("cu_1", "tn_2") is None

    async def test_destroying_ends_every_key_of_the_owner_and_no_other(self, keys: KeyStore) -> None:
        gone = [await keys.create("cu_1", "tn_1") for _ in range(3)]
        kept = await keys.create("cu_2", "tn_1")
        assert await keys.destroy("cu_1", "tn_1") == 3
        assert [await keys.get(key.key_id) for key in gone] == [None] * 3
        assert await keys.get(kept.key_id) == await keys.current("cu_2", "tn_1") == kept
        assert await keys.destroy("cu_1", "tn_1") == 0

    @pytest.mark.parametrize("had_keys", [True, False])
    async def test_a_destroyed_owner_never_gets_a_key_again(self, keys: KeyStore, had_keys: bool) -> None:
        if had_keys:
            await keys.create("cu_1", "tn_1")
        await keys.destroy("cu_1", "tn_1")
        for _ in range(2):
            for refused in (keys.create, keys.current):
                with pytest.raises(Erased) as refusal:
                    await refused("cu_1", "tn_1")
                assert refusal.value.row_id == "cu_1" and "cu_1" not in str(refusal.value)
        assert await keys.destroy("cu_1", "tn_1") == 0, "the refused ones left nothing behind"

    async def test_the_same_owner_of_another_tenant_is_somebody_else(self, keys: KeyStore) -> None:
        mine, other = await keys.create("ct_a_1", "tn_1"), await keys.create("ct_a_1", "tn_2")
        assert await keys.current("ct_a_1", "tn_1") == mine
        assert await keys.destroy("ct_a_1", "tn_1") == 1
        assert await keys.destroy_all("ct_a_", "tn_1", datetime.now(UTC)) == 0
        assert await keys.get(other.key_id) == await keys.current("ct_a_1", "tn_2") == other
        assert (await keys.create("ct_a_1", "tn_2")).tenant == "tn_2"

    async def test_owners_are_destroyed_by_how_their_ids_begin(self, keys: KeyStore) -> None:
        gone = [await keys.create(owner, "tn_1") for owner in ("ct_a_1", "ct_a_1", "ct_a_2", "ct_a_~\U0010ffff")]
        near = ("ct_a", "ct_a`", "ct_A_1", "ct_aa_1", "ct_b_1", "xct_a_1")
        kept = [await keys.create(owner, "tn_1") for owner in near]
        assert await keys.destroy_all("ct_a_", "tn_1", datetime.now(UTC)) == 4
        assert [await keys.get(key.key_id) for key in gone] == [None] * 4
        assert [await keys.get(key.key_id) for key in kept] == kept
        for owner in ("ct_a_1", "ct_a_2"):
            with pytest.raises(Erased):
                await keys.create(owner, "tn_1")
        assert await keys.destroy_all("ct_a_", "tn_1", datetime.now(UTC)) == 0

    async def test_an_owner_that_came_after_the_moment_is_left_alone(self, keys: KeyStore) -> None:
        before = await keys.create("ct_a_1", "tn_1")
        moment = datetime.now(UTC)
        also_gone, newcomer = await keys.create("ct_a_1", "tn_1"), await keys.create("ct_a_2", "tn_1")
        assert await keys.destroy_all("ct_a_", "tn_1", moment) == 2
        assert [await keys.get(key.key_id) for key in (before, also_gone)] == [None, None]
        assert await keys.current("ct_a_2", "tn_1") == newcomer
        assert await keys.destroy_all("ct_a_", "tn_1", moment) == 0

    async def test_nobody_is_destroyed_by_no_prefix(self, keys: KeyStore) -> None:
        with pytest.raises(ValueError):
            await keys.destroy_all("", "tn_1", datetime.now(UTC))
