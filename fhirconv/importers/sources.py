"""The record that facts are imported from: its bytes, its name, the article that it cites."""

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any

Plain = dict[str, Any]
TEXT = "text/plain"  # as which a table is sent: it is one, and every validator knows the type
FIELDS = ("articleType", "journal", "year", "volume", "pages", "doi", "url")
STATED = ("title", "authors", "journal", "year", "volume", "issue", "pages", "doi", "pmid", "url")
RESOLVER = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE)
DOI = re.compile(r"10\.\d{4,9}/\S+\Z")
PMID = re.compile(r"(?:pmid:?\s*)?(\d{1,9})\Z", re.IGNORECASE)
YEAR = re.compile(r"\d{4}\Z")
SEPARATOR = re.compile(r"\s*;\s*")


def source_of(data: bytes, name: str, media_type: str, record: str = "") -> Plain:
    """Return the 'source' of a facts document; with a record, data are its bytes alone.

    So the ids of a record stay when others of the file come or go.
    """
    digest, text = hashlib.sha256(data), data.decode("utf-8", "replace")
    number = base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")
    made: Plain = {
        "file": re.split(r"[/\\]", name)[-1].encode("utf-8", "replace").decode("utf-8"),
        "mediaType": media_type,
        "charset": "utf-8",
        "sha256": digest.hexdigest(),
        "uri": f"ni:///sha-256;{number}",
        "bytes": len(data),
        "characters": len(text),
        "offsetUnit": "unicode-code-point",
        "textSha1": hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        "textBytes": len(data),
        "textType": TEXT if media_type.startswith("text/") else media_type,
    }
    return made | ({"record": record} if record else {})


def citation_of(fields: Mapping[str, str], pointers: Mapping[str, Plain], place: str) -> Plain:
    """Return the 'citation' of a record, of what it states; what it does not is listed.

    place names the record, for the line that cites it where it cites no article.
    """
    found = {name: text for name, text in fields.items() if text}
    found["doi"] = _matched(DOI, RESOLVER.sub("", found.get("doi", "")))
    found["pmid"] = _matched(PMID, found.get("pmid", ""))
    found["year"] = _matched(YEAR, found.get("year", ""))
    names = [n for n in SEPARATOR.split(found.get("authors", "")) if n]
    made: Plain = {"title": found.get("title", ""), "authors": [{"text": n} for n in names]}
    made["authorsComplete"] = False
    made |= {name: found.get(name) or None for name in FIELDS}
    made |= {name: found[name] for name in ("issue", "pmid") if found.get(name)}
    made["keywords"] = []
    made["text"] = _line(found, names) or place
    made["evidence"] = {n: [pointers[n]] for n in STATED if found.get(n) and n in pointers}
    made["notStated"] = [name for name in STATED if not found.get(name)]
    return made


def _matched(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.match(text.strip())
    return match[match.lastindex or 0] if match else ""


def _line(found: Mapping[str, str], names: list[str]) -> str:
    """Return the citation in one line."""
    where = " ".join(filter(None, (found.get("journal"), found.get("year"))))
    parts = [", ".join(names), found.get("title", ""), where]
    parts += [f"doi:{found['doi']}"] if found["doi"] else []
    parts += [f"PMID {found['pmid']}"] if found["pmid"] else []
    return " ".join(p if p[-1] in ".?!" else f"{p}." for p in parts if p)
