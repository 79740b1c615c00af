"""What other people call the GPU types of our catalog.

Only names that say one thing: SkyPilot's 'A100' may be a 40 GB card and Epoch's 'NVIDIA H100 PCIe' is a slower one,
so neither stands here. What is not in the table is never guessed; the user maps it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from fleetopt.errors import InputError, Issue

OURS: Mapping[str, tuple[str, ...]] = {
    "A100-80G": ("a100_sxm", "a100-80gb", "a100-80gb-sxm", "NVIDIA A100 SXM4 80 GB", "a100-80g"),
    "H100": ("h100_sxm", "h100", "h100-80gb", "h100-sxm", "NVIDIA H100 SXM5 80GB", "NVIDIA H100 SXM"),
    "H100-capped": ("h100-80gb-pcap",),
    "H200": ("h200_sxm", "h200", "h200-sxm", "NVIDIA H200 SXM", "NVIDIA H200"),
    "B200": ("b200_sxm", "b200", "NVIDIA B200"),
    "GB200": ("gb200", "NVIDIA GB200"),
    "L40S": ("l40s", "NVIDIA L40S"),
    "RTX-PRO-6000": ("rtx_pro_6000_server", "rtxpro6000", "rtxpro-6000"),
}

_KNOWN = {alias.lower(): name for name, aliases in OURS.items() for alias in (name, *aliases)}
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,59}")


def known_gpu(name: str, mapped: Mapping[str, str] | None = None) -> str | None:
    """Our name of a GPU type, by what the user mapped and then by the table; None where neither knows it.

    >>> known_gpu("h200_sxm"), known_gpu("L4"), known_gpu("L4", {"L4": "L4-24G"})
    ('H200', None, 'L4-24G')
    """
    return (mapped or {}).get(name) or _KNOWN.get(name.strip().lower())


def read_mapping(options: tuple[str, ...]) -> dict[str, str]:
    """The names that a user maps, from options like 'L4=L4-24G'.

    Raises:
        InputError: an option is not of the form, or maps a name twice.
    """
    mapped: dict[str, str] = {}
    for option in options:
        theirs, sign, ours = option.partition("=")
        if not sign or not theirs.strip() or _PLAIN.fullmatch(ours.strip()) is None:
            what = f"'{option[:60]}' is not a name, '=' and one of ours"
            raise InputError([Issue("bad-option", "--map", what, "Write it like --map 'L4=L4-24G'")])
        if mapped.setdefault(theirs.strip(), ours.strip()) != ours.strip():
            raise InputError([Issue("bad-option", "--map", f"maps '{theirs[:60]}' twice", "Keep one of the two")])
    return mapped
