"""What every key store does.

class TestMyKeyStore(KeyStoreContract):
    @pytest.fixture
    async def keys(self): yield …
"""

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

    async def test_moved_keys_belong_to_the_new_owner_and_keep_their_ids(self, keys: KeyStore) -> None:
        first, second = await keys.create("ct_1", "tn_1"), await keys.create("ct_1", "tn_1")
        assert await keys.move("ct_1", "cu_1") == 2
        assert await keys.current("cu_1", "tn_1") == second
        assert await keys.get(first.key_id) == first
        assert await keys.move("ct_1", "cu_1") == 0

    async def test_a_key_made_for_an_owner_after_the_move_belongs_to_the_new_owner(self, keys: KeyStore) -> None:
        await keys.move("ct_1", "cu_1")
        await keys.move("cu_1", "cu_2")
        late = await keys.create("ct_1", "tn_1")
        assert await keys.current("cu_2", "tn_1") == await keys.current("ct_1", "tn_1") == late
        assert await keys.destroy("cu_2") == 1
        assert await keys.get(late.key_id) is None

    async def test_a_move_can_be_taken_back(self, keys: KeyStore) -> None:
        key = await keys.create("cu_1", "tn_1")
        await keys.move("cu_1", "cu_2")
        await keys.move("cu_2", "cu_1")
        late = await keys.create("cu_1", "tn_1")
        assert await keys.destroy("cu_2") == 0
        assert await keys.get(key.key_id) == key
        assert await keys.current("cu_1", "tn_1") == late

    async def test_destroying_ends_every_key_of_the_owner_and_no_other(self, keys: KeyStore) -> None:
        gone = [await keys.create("cu_1", "tn_1") for _ in range(3)]
        kept = await keys.create("cu_2", "tn_1")
        assert await keys.destroy("cu_1") == 3
        assert [await keys.get(key.key_id) for key in gone] == [None] * 3
        assert await keys.current("cu_1", "tn_1") is None
        assert await keys.get(kept.key_id) == kept
        assert await keys.destroy("cu_1") == 0
