"""Values as the document store keeps them, and changes put together document by document.

Must not: know an area, or open a text.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from trunkline_core.sealed import Sealed

from trunkline_platform.store import Upsert

Document = dict[str, Any]
Change = tuple[str, int, Mapping[str, Any]]
"""Document id, stream version, fields to set; a dotted field is a part of a field that is a document."""


def merged(changes: Iterable[Change]) -> Iterator[Upsert]:
    """Return one write for each document: a bulk has no order, so what happened to one is put together first."""
    documents: dict[str, Document] = {}
    versions: dict[str, int] = {}
    for document_id, version, fields in changes:
        before = documents.get(document_id, {})
        parts_of = tuple(f"{name}." for name in fields)  # the store refuses a field together with a part of it
        kept = {name: value for name, value in before.items() if not name.startswith(parts_of)}
        documents[document_id] = {**kept, **fields}
        versions[document_id] = version
    for document_id, fields in documents.items():
        yield Upsert(document_id, {"$set": fields}, versions[document_id])


def sealed_document(sealed: Sealed | None) -> Document | None:
    """Return the sealed text as a document."""
    if sealed is None:
        return None
    return {"key_id": sealed.key_id, "nonce": sealed.nonce, "ciphertext": sealed.ciphertext}


def sealed_from(document: Document | None) -> Sealed | None:
    """Return the sealed text of a document."""
    if document is None:
        return None
    return Sealed(document["key_id"], bytes(document["nonce"]), bytes(document["ciphertext"]))


def whole_ms(moment: datetime) -> datetime:
    """Return the moment as exactly as the store keeps it."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
