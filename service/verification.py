"""Check a publication's bundle as anybody can: every file against the manifest, the manifest against the digest in the log."""

import io
import zipfile
from hashlib import sha256

import msgspec
from msgspec import Struct

MANIFEST = "manifest.json"


class Listed(Struct, frozen=True):
    name: str
    sha256: str
    size_bytes: int


class Manifest(Struct, frozen=True):
    consultation: str
    position: int
    files: list[Listed]


class BundleDiffers(ValueError):  # noqa: N818 - says what was found
    """The bundle is not what the log says was published."""


def verify_bundle(archive: bytes, digest: str) -> Manifest:
    """The manifest of a zip whose manifest has this SHA-256 and lists exactly its other files. Raises BundleDiffers."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            files = {name: packed.read(name) for name in packed.namelist()}
            manifest = msgspec.json.decode(files.get(MANIFEST, b""), type=Manifest)
    except (zipfile.BadZipFile, msgspec.MsgspecError) as error:
        raise BundleDiffers(f"this is no bundle: {error}") from error
    if sha256(files.pop(MANIFEST)).hexdigest() != digest:
        raise BundleDiffers(f"{MANIFEST} has another digest than the publication")
    if files.keys() != {each.name for each in manifest.files}:
        raise BundleDiffers(f"the files are not those that {MANIFEST} lists")
    for each in manifest.files:
        if sha256(files[each.name]).hexdigest() != each.sha256:
            raise BundleDiffers(f"{each.name} has another digest than {MANIFEST} says")
    return manifest
