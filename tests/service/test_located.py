"""Secrets come from where the settings say, and from the data folder where they say nothing."""

from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from adapters.embedded import DataFolder
from service.located import promises
from service.settings import Settings, SettingsRefused

SEED = bytes(range(32))


def test_the_embedded_service_signs_by_the_key_generated_in_its_folder(tmp_path: Path) -> None:
    with DataFolder.hold(tmp_path / "data") as folder:
        first = promises(Settings(data=folder.path)).verifier
    assert (folder.path / "secrets" / "promise.key").stat().st_mode & 0o777 == 0o600
    with DataFolder.hold(tmp_path / "data"):
        assert promises(Settings(data=folder.path)).verifier == first
    assert first.name == "localhost/registre/promise"


def test_a_folder_of_an_earlier_release_is_given_the_key_that_it_lacks(tmp_path: Path) -> None:
    with DataFolder.hold(tmp_path / "data") as folder:
        kept = folder.secret("receipt.key")
    (folder.path / "secrets" / "promise.key").unlink()
    with DataFolder.hold(tmp_path / "data"):
        assert promises(Settings(data=folder.path)).verifier.name == "localhost/registre/promise"
        assert folder.secret("receipt.key") == kept


def test_a_configured_key_is_read_from_its_setting_or_its_file(tmp_path: Path) -> None:
    path = tmp_path / "promise"
    path.write_bytes(urlsafe_b64encode(SEED) + b"\n")
    by_value = promises(Settings(promise_key=SEED, origin="consultation.example"))

    assert promises(Settings(promise_key_file=path, origin="consultation.example")).verifier == by_value.verifier


def test_a_file_that_holds_no_key_is_named_without_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "promise"
    path.write_text("hush", encoding="utf-8")
    with pytest.raises(SettingsRefused, match="REGISTRE_PROMISE_KEY_FILE holds 3 bytes") as refused:
        promises(Settings(promise_key_file=path))
    assert "hush" not in str(refused.value)
    with pytest.raises(SettingsRefused, match="cannot be read"):
        promises(Settings(promise_key_file=tmp_path / "absent"))
