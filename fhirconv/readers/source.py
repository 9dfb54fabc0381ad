"""The file that a report was read from: its name, its digests, its language."""

import base64
import hashlib
import re
from typing import Any

from fhirconv.tables import Tables

WORD = re.compile(r"[^\W\d_]+")
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")  # BCP 47 without extensions
SAMPLE = 20_000  # words of a text that are looked at
ENOUGH_WORDS = 20
ENOUGH_SHARE = 0.08


def source_of(
    data: bytes, name: str, media_type: str, texts: tuple[str, str], language: str
) -> dict[str, Any]:
    """Return the 'source' object of facts.schema.json.

    texts: the decoded file, and the text that offsets count in; digests of the text are given
    where the two differ (mark-up, a byte order mark), and SHA-1 always, as FHIR hashes so.
    """
    file_text, text = texts
    digest, encoded = hashlib.sha256(data), text.encode("utf-8")
    made: dict[str, Any] = {
        "file": file_name(name),
        "mediaType": media_type,
        "charset": "utf-8",
        "sha256": digest.hexdigest(),
        "uri": "ni:///sha-256;" + base64.urlsafe_b64encode(digest.digest()).decode().rstrip("="),
        "bytes": len(data),
        "characters": len(file_text),
        "offsetUnit": "unicode-code-point",
    }
    if language:
        made["language"] = language
    if encoded != data:
        made["textSha256"] = hashlib.sha256(encoded).hexdigest()
        made["textCharacters"] = len(text)
    sha1 = hashlib.sha1(encoded, usedforsecurity=False)
    return made | {"textSha1": sha1.hexdigest(), "textBytes": len(encoded)}


def file_name(name: str) -> str:
    """Return a file name without its folders, fit to be written as UTF-8.

    A file of an archive is called 'archive.zip!folder/file'.
    """
    path, mark, member = name.partition("!")
    base = re.split(r"[/\\]", path if "." in path else name)[-1]
    base += mark + member if "." in path else ""
    return base.encode("utf-8", "replace").decode("utf-8")


def stated_language(tag: str | None) -> str:
    """Return the language that markup states, '' for none or for what is no language tag."""
    tag = (tag or "").strip()
    return tag if LANGUAGE_TAG.fullmatch(tag) else ""


def language_of(text: str, tables: Tables) -> str:
    """Return the language whose function words fill a text; '' where that is not plain."""
    words = [w.casefold() for w in WORD.findall(text[: SAMPLE * 10])][:SAMPLE]
    if len(words) < ENOUGH_WORDS:
        return ""
    known = {r["language"]: frozenset(r["words"].split()) for r in tables.extract["languages"]}
    counts = sorted(((sum(w in k for w in words), name) for name, k in known.items()), reverse=True)
    (most, language), *others = counts
    plain = most >= ENOUGH_SHARE * len(words) and all(most > 2 * n for n, _ in others)
    return language if plain else ""
