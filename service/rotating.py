"""Replacing the key-encryption key, of the settings or of the data folder."""

from msgspec import Struct

from adapters.embedded.folder import DataFolder
from adapters.postgres.rewrapping import Progress, Rewrapping, Standing
from service.located import Located, configured_kek, locate
from service.settings import Settings, SettingsRefused


class Rotated(Struct, frozen=True):
    wrapped: int
    """Keys that were wrapped anew."""
    standing: Standing
    """Of the keyring afterwards."""


async def rotate(settings: Settings, told: Progress, *, new: bool = False) -> Rotated:
    """Wrap every key of the keyring under the current key-encryption key; `new` has the data folder make one first.

    Harmless when repeated, and to be repeated after a crash. Raises SettingsRefused for `new` beside a configured one, FolderHeld while another
    rotates in the data folder, NotRunning, Unavailable, KeyDamaged.
    """
    located = locate(settings)
    if not configured_kek(settings):
        return await _in_folder(located, DataFolder(settings.data.expanduser().resolve()), told, new=new)
    if new:
        raise SettingsRefused(
            "--new is for the key that the data folder holds: name a new one in REGISTRE_KEK, and the present in REGISTRE_KEK_PREVIOUS."
        )
    async with Rewrapping.connected(located.keyring_url, located.keks) as rewrapping:
        return Rotated(await rewrapping.rotate(told), await rewrapping.standing())


async def _in_folder(located: Located, folder: DataFolder, told: Progress, *, new: bool) -> Rotated:
    """Once the old key is retired and wraps nothing, its file goes: a running service takes the new one as soon as it meets it."""
    with folder.replacing_kek():
        if new:
            folder.renew_kek()
        located.keks.reload()
        async with Rewrapping.connected(located.keyring_url, located.keks) as rewrapping:
            rotated = Rotated(await rewrapping.rotate(told, certain=True), await rewrapping.standing())
        if not rotated.standing.previous:
            folder.forget_previous_kek()
    return rotated
