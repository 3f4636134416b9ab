from datetime import UTC, datetime

import pytest
from trunkline_core.errors import Erased, Misconfigured, Poison
from trunkline_core.sealed import Sealed
from trunkline_platform.keystore import KeyWrap, SqliteKeyStore
from trunkline_platform.sealing import KEY_CACHE_S, Sealer

SECRET = b"s" * 32


class Seconds:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
async def keys(tmp_path):
    store = SqliteKeyStore(tmp_path / "keys.sqlite", KeyWrap(SECRET))
    yield store
    await store.close()


@pytest.fixture
def sealer(keys):
    return Sealer(keys, SECRET)


async def test_a_sealed_text_opens_again(sealer):
    sealed = await sealer.seal("ct_1", "tn_1", "王小姐 13800000000")
    assert await sealer.open(sealed) == "王小姐 13800000000"
    assert b"13800000000" not in sealed.ciphertext


async def test_a_sealed_value_shows_no_content_when_printed(sealer):
    assert "ciphertext" not in repr(await sealer.seal("ct_1", "tn_1", "secret"))


async def test_the_same_text_is_never_sealed_to_the_same_bytes(sealer):
    first, second = [await sealer.seal("ct_1", "tn_1", "hello") for _ in range(2)]
    assert first.key_id == second.key_id
    assert first.nonce != second.nonce and first.ciphertext != second.ciphertext


async def test_texts_of_an_erased_owner_read_as_none_and_of_others_stay(sealer):
    erased, kept = await sealer.seal("cu_1", "tn_1", "a"), await sealer.seal("cu_2", "tn_1", "b")
    assert await sealer.erase("cu_1", "tn_1") == 1
    assert await sealer.open(erased) is None
    assert await sealer.open(kept) == "b"
    assert await sealer.erase("cu_1", "tn_1") == 0


async def test_erasing_an_address_erases_what_was_sealed_for_all_its_contacts(sealer):
    resolved, unresolved = [await sealer.seal(owner, "tn_1", "early") for owner in ("ct_a_1", "ct_a_2")]
    assert await sealer.erase_all("ct_a_", "tn_1", datetime.now(UTC)) == 2
    assert [await sealer.open(sealed) for sealed in (resolved, unresolved)] == [None, None]


async def test_nothing_is_sealed_for_who_was_erased(sealer):
    await sealer.seal("cu_1", "tn_1", "before")
    await sealer.seal("ct_a_1", "tn_1", "before")
    await sealer.erase("cu_1", "tn_1")
    await sealer.erase_all("ct_a_", "tn_1", datetime.now(UTC))
    for owner in ("cu_1", "ct_a_1"):
        with pytest.raises(Erased):
            await sealer.seal(owner, "tn_1", "after")
    assert await sealer.open(await sealer.seal("cu_1", "tn_2", "somebody else")) == "somebody else"


async def test_a_key_destroyed_by_another_process_is_forgotten_after_the_cache_time(keys):
    seconds = Seconds()
    mine, other = Sealer(keys, SECRET, seconds), Sealer(keys, SECRET)
    sealed = await mine.seal("cu_1", "tn_1", "hello")
    assert await mine.open(sealed) == "hello"
    await other.erase("cu_1", "tn_1")
    with pytest.raises(Erased, match=r"^the person was erased$"):  # at once, or a text would be acknowledged and lost
        await mine.seal("cu_1", "tn_1", "new")
    seconds.now = KEY_CACHE_S
    assert await mine.open(sealed) is None


async def test_another_tenants_text_reads_as_none(sealer):
    sealed = await sealer.seal("cu_1", "tn_1", "hello")
    assert await sealer.open(sealed, tenant="tn_2") is None
    assert await sealer.open(sealed, tenant="tn_1") == "hello"


@pytest.mark.parametrize("part", ["nonce", "ciphertext"])
async def test_a_changed_text_is_poison(sealer, part):
    sealed = await sealer.seal("cu_1", "tn_1", "hello")
    parts = {"nonce": sealed.nonce, "ciphertext": sealed.ciphertext}
    parts[part] = bytes([parts[part][0] ^ 1]) + parts[part][1:]
    with pytest.raises(Poison):
        await sealer.open(Sealed(sealed.key_id, **parts))


async def test_a_malformed_nonce_is_poison(sealer):
    sealed = await sealer.seal("cu_1", "tn_1", "hello")
    with pytest.raises(Poison):
        await sealer.open(Sealed(sealed.key_id, b"", sealed.ciphertext))


async def test_a_text_moved_under_another_key_of_the_same_owner_is_poison(sealer, keys):
    sealed = await sealer.seal("cu_1", "tn_1", "hello")
    other = await keys.create("cu_1", "tn_1")
    with pytest.raises(Poison):
        await sealer.open(Sealed(other.key_id, sealed.nonce, sealed.ciphertext))


def test_tokens_are_equal_for_equal_texts_of_one_tenant_only(sealer):
    assert sealer.token("tn_1", "+86138") == sealer.token("tn_1", "+86138")
    assert sealer.token("tn_1", "+86138") != sealer.token("tn_2", "+86138")
    assert sealer.token("tn_1", "+86138") != sealer.token("tn_1", "+86139")


def test_a_short_secret_is_refused_with_its_length():
    with pytest.raises(Misconfigured, match="has 5 bytes, it needs at least 32"):
        KeyWrap(b"short")
