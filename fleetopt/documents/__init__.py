"""Files from users, read with suspicion: YAML as Documents, CSV tables as Rows, JSON as Records; and writing."""

from fleetopt.documents.files import read_bytes, read_text, shown, stands
from fleetopt.documents.markup import Document, Key, parse_yaml, read_yaml
from fleetopt.documents.records import Record, json_lines, parse_json, read_json, read_record
from fleetopt.documents.tables import COMMAS, LEAST, MOST, Row, parse_table, read_table, separated_by
from fleetopt.documents.writing import (
    ASIDE,
    check_file,
    check_folder,
    clear_file,
    inert,
    write_file,
    write_files,
    write_made,
)

__all__ = [
    "ASIDE",
    "COMMAS",
    "LEAST",
    "MOST",
    "Document",
    "Key",
    "Record",
    "Row",
    "check_file",
    "check_folder",
    "clear_file",
    "inert",
    "json_lines",
    "parse_json",
    "parse_table",
    "parse_yaml",
    "read_bytes",
    "read_json",
    "read_record",
    "read_table",
    "read_text",
    "read_yaml",
    "separated_by",
    "shown",
    "stands",
    "write_file",
    "write_files",
    "write_made",
]
