"""Files from users, read with suspicion and with line numbers: YAML as Documents, CSV tables as Rows."""

from fleetopt.documents.files import read_bytes, read_text, shown, stands
from fleetopt.documents.markup import Document, Key, read_yaml
from fleetopt.documents.tables import LEAST, MOST, Row, read_table

__all__ = [
    "LEAST",
    "MOST",
    "Document",
    "Key",
    "Row",
    "read_bytes",
    "read_table",
    "read_text",
    "read_yaml",
    "shown",
    "stands",
]
