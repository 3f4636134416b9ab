import pytest
from trunkline_core.errors import Transient
from trunkline_testkit.contracts.keystore import KeyStoreContract
from trunkline_testkit.contracts.store import StoreContract
from trunkline_testkit.twins.keystore import MemoryKeyStore
from trunkline_testkit.twins.store import MemoryStore


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self):
        return MemoryStore()


class TestMemoryKeyStore(KeyStoreContract):
    @pytest.fixture
    def keys(self):
        return MemoryKeyStore()


async def test_a_twin_that_is_away_is_transient():
    store = MemoryStore()
    store.is_away = True
    with pytest.raises(Transient):
        await store.collection("tickets").get("a")
