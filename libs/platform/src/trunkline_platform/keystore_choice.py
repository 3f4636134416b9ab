"""Which key store an installation uses: one SQLite file, or its MongoDB."""

from trunkline_platform.keystore import KeyStore, KeyWrap, SqliteKeyStore
from trunkline_platform.keystore_mongo import MongoKeyStore
from trunkline_platform.settings import ServiceSettings
from trunkline_platform.store_mongo import MongoStore


async def open_keystore(settings: ServiceSettings) -> KeyStore:
    """Open the store that the settings name, with connections of its own: close it at the end.

    Raises: Misconfigured when it belongs to another secret; Transient.
    """
    wrap = KeyWrap(settings.secret_bytes)
    path = settings.keystore_path
    if path is not None:
        return SqliteKeyStore(path, wrap)
    store = MongoStore(settings.mongo_url.get_secret_value(), settings.mongo_database)
    try:
        return await MongoKeyStore.open(store, wrap, on_close=store.close)
    except BaseException:
        await store.close()
        raise
