"""Files from users, read with suspicion: YAML as Documents, CSV tables as Rows, JSON as Records."""

from fleetopt.documents.files import read_bytes, read_text, shown, stands
from fleetopt.documents.markup import Document, Key, read_yaml
from fleetopt.documents.records import Record, json_lines, parse_json, read_json, read_record
from fleetopt.documents.tables import LEAST, MOST, Row, parse_table, read_table

__all__ = [
    "LEAST",
    "MOST",
    "Document",
    "Key",
    "Record",
    "Row",
    "json_lines",
    "parse_json",
    "parse_table",
    "read_bytes",
    "read_json",
    "read_record",
    "read_table",
    "read_text",
    "read_yaml",
    "shown",
    "stands",
]
