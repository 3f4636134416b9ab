"""The store on MongoDB, or on the embedded store, which speaks its protocol. The only module that knows the driver.

Owns: connection, durability (w=majority, journalled), time-outs, and turning driver errors into ours.
Must not: offer more than the port. Motor is near its end of life: PyMongo's own async client is a change of this file.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any, Final

from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import DeleteOne, ReturnDocument, UpdateOne
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    WriteConcernError,
    WTimeoutError,
)
from trunkline_core.errors import Conflict, Misconfigured, Transient

from trunkline_platform.store import MAX_FOUND, Collection, Delete, Document, Order, Query, Update, Upsert, Write
from trunkline_platform.store_contract import (
    check_document,
    check_limit,
    check_pipeline,
    check_query,
    check_update,
    check_upsert,
)

DUPLICATE_KEY: Final = 11000
AWAY: Final = (AutoReconnect, ConnectionFailure, ExecutionTimeout, WTimeoutError, WriteConcernError)
TIMEOUTS: Final[dict[str, Any]] = {
    "serverSelectionTimeoutMS": 2000,
    "connectTimeoutMS": 2000,
    "socketTimeoutMS": 10_000,
}


class MongoStore:
    """One database behind TRUNKLINE_MONGO_URL."""

    def __init__(self, url: str, database: str) -> None:
        """Connect lazily: the first call does. Raises: Misconfigured when the address makes no sense."""
        try:
            self._client: Any = AsyncIOMotorClient(url, w="majority", journal=True, **TIMEOUTS)
        except (ConfigurationError, ValueError) as error:
            raise Misconfigured(f"TRUNKLINE_MONGO_URL is not an address of MongoDB ({error}).") from error
        self._database = self._client.get_database(database, codec_options=CodecOptions(tz_aware=True, tzinfo=UTC))

    def collection(self, name: str) -> Collection:
        return MongoCollection(self._database[name])

    async def ping(self) -> None:
        with _errors():
            await self._client.admin.command("ping")

    async def close(self) -> None:
        self._client.close()


class MongoCollection:
    """One collection of a `MongoStore`."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    async def ensure_index(self, fields: Order, *, unique: bool = False) -> None:
        with _errors():
            await self._driver.create_index(list(fields), unique=unique)

    async def insert(self, document: Document) -> None:
        check_document(document)
        with _errors():
            await self._driver.insert_one(dict(document))

    async def get(self, document_id: str) -> dict[str, Any] | None:
        with _errors():
            found: dict[str, Any] | None = await self._driver.find_one({"_id": document_id})
            return found

    async def find(
        self, query: Query, *, limit: int, sort: Order = (), skip: int = 0, fields: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        check_query(query)
        check_limit(limit)
        with _errors():
            cursor = self._driver.find(dict(query), dict.fromkeys(fields, 1) or None, skip=skip, limit=limit)
            if sort:
                cursor = cursor.sort(list(sort))
            found: list[dict[str, Any]] = await cursor.to_list(limit)
            return found

    async def count(self, query: Query) -> int:
        check_query(query)
        with _errors():
            return int(await self._driver.count_documents(dict(query)))

    async def distinct(self, field: str, query: Query) -> list[Any]:
        check_query(query)
        with _errors():
            return list(await self._driver.distinct(field, dict(query)))

    async def update(self, query: Query, update: Update, *, upsert: bool = False) -> bool:
        check_query(query)
        check_update(update)
        with _errors():
            result = await self._driver.update_one(dict(query), dict(update), upsert=upsert)
            return bool(result.matched_count or result.upserted_id is not None)

    async def compare_and_set(self, document_id: str, version: int, update: Update) -> dict[str, Any] | None:
        check_update(update)
        change = _with_version(update, version + 1)
        with _errors():
            found: dict[str, Any] | None = await self._driver.find_one_and_update(
                {"_id": document_id, "version": version}, change, return_document=ReturnDocument.AFTER
            )
            return found

    async def bulk(self, writes: Sequence[Write]) -> None:
        for write in writes:
            if isinstance(write, Upsert):
                check_upsert(write)
        if writes:
            with _errors():
                await self._bulk(writes)

    async def _bulk(self, writes: Sequence[Write]) -> None:
        try:
            await self._driver.bulk_write([_operation(write) for write in writes], ordered=False)
        except BulkWriteError as error:
            await self._settle(_refused_as_duplicate(writes, error), error)

    async def _settle(self, refused: Sequence[Upsert], error: BulkWriteError) -> None:
        """Write once more what found its document made meanwhile: most are older, one may have lost that race."""
        ids = sorted({write.id for write in refused})
        if await self._driver.count_documents({"_id": {"$in": ids}}) < len(ids):
            raise error  # a unique field, not the id
        await self._driver.bulk_write([_operation(write, upsert=False) for write in refused], ordered=False)

    async def delete(self, query: Query) -> int:
        check_query(query)
        with _errors():
            return int((await self._driver.delete_many(dict(query))).deleted_count)

    async def drop(self) -> None:
        with _errors():
            await self._driver.drop()

    async def aggregate(self, pipeline: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        check_pipeline(pipeline)
        with _errors():
            found: list[dict[str, Any]] = await self._driver.aggregate(list(pipeline)).to_list(MAX_FOUND)
            return found


def _operation(write: Write, *, upsert: bool = True) -> UpdateOne | DeleteOne:
    match write:
        case Delete(document_id):
            return DeleteOne({"_id": document_id})
        case Upsert(document_id, update, None):
            return UpdateOne({"_id": document_id}, dict(update), upsert=upsert)
        case Upsert(document_id, update, int(version)):
            older = {"_id": document_id, "version": {"$lt": version}}
            return UpdateOne(older, _with_version(update, version), upsert=upsert)
    raise AssertionError(write)


def _with_version(update: Update, version: int) -> dict[str, Mapping[str, Any]]:
    return {**update, "$set": {**update.get("$set", {}), "version": version}}


def _refused_as_duplicate(writes: Sequence[Write], error: BulkWriteError) -> list[Upsert]:
    """Return the upserts that found their id, or a unique field, taken; raise for any other failure."""
    failures = (error.details or {}).get("writeErrors", [])
    refused = [write for failure in failures if isinstance(write := writes[failure["index"]], Upsert)]
    if not failures or any(failure["code"] != DUPLICATE_KEY for failure in failures):
        raise error
    return refused


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except DuplicateKeyError as error:
        raise Conflict("a document with this id or unique field exists") from error
    except BulkWriteError as error:
        failures = (error.details or {}).get("writeErrors", [])
        if any(failure["code"] == DUPLICATE_KEY for failure in failures):
            raise Conflict("a document with this unique field exists") from error
        raise Transient("the store did not confirm every write") from error
    except AWAY as error:
        raise Transient(f"the store does not answer ({type(error).__name__})") from error
