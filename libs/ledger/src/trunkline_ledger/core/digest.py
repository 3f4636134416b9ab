"""The state as one number: the same on every replica and every Python, however it came to be (ledger rule 16).

Replicas that read the same records with the same version of a service have the same digest, whether they began at the
start of the log or from a snapshot, whether they own the partition or only follow. Must not: depend on an order that
is no part of the state.
"""

import hashlib
from typing import Any

from trunkline_core.tables import Rows

from trunkline_ledger.core.contents import Contents
from trunkline_ledger.core.rows import Packing, class_name, encode


def digest_of(contents: Contents, *position: Any) -> str:
    """Return 64 hexadecimal digits over all rows and constants, and over what is handed in beside them."""
    packing = Packing(class_name)
    total = hashlib.sha256(encode(packing.pack(position)))
    for path, leaf in sorted(contents.leaves(), key=lambda found: found[0]):
        if isinstance(leaf, Rows):
            rows = sorted(encode([packing.pack(key), packing.pack(row)]) for key, row in leaf.items())
            total.update(encode([path, len(rows)]))
            total.update(b"".join(rows))
        else:
            total.update(encode([path, packing.pack(leaf)]))
    return total.hexdigest()
