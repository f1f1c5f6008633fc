"""Settings: the defaults run, what is wrong is named, and nothing secret is shown."""

from base64 import b64encode, urlsafe_b64encode
from pathlib import Path

import pytest
from rich.pretty import pretty_repr

from service.settings import Settings, SettingsRefused, describe

ONE = urlsafe_b64encode(bytes(range(220, 252))).decode()
TWO = urlsafe_b64encode(bytes(32)).decode()
THREE = urlsafe_b64encode(bytes(range(100, 132))).decode()
FOUR = urlsafe_b64encode(bytes([3]) * 32).decode()
ISSUER = {"REGISTRE_ISSUER": "https://issuer.example", "REGISTRE_JWKS": "https://issuer.example/keys"}
EXTERNAL = {
    **ISSUER,
    "REGISTRE_DATABASE_URL": "postgresql://registre:hush-1@db.example/registre",
    "REGISTRE_KEYRING_URL": "postgresql://keyring:hush-2@keys.example/keyring?password=hush-3",
    "REGISTRE_NATS_URL": "nats://hush-4@nats.example:4222",
    "REGISTRE_RECEIPT_SECRET": ONE,
    "REGISTRE_STAFF_SECRET": TWO,
    "REGISTRE_KEK": THREE,
    "REGISTRE_PROMISE_KEY": FOUR,
    "REGISTRE_ORIGIN": "consultation.example/2026",
}
PRODUCTION = {**EXTERNAL, "REGISTRE_ENV": "production", "REGISTRE_HOST": "0.0.0.0"}  # noqa: S104 - nothing listens here


def test_nothing_is_required() -> None:
    settings = Settings.from_env({"PATH": "/bin"})
    settings.check()
    assert settings == Settings()
    assert settings.embedded


def test_every_setting_is_read_from_its_variable() -> None:
    settings = Settings.from_env({
        **PRODUCTION, "REGISTRE_PORT": "80", "REGISTRE_WORKERS": "4", "REGISTRE_DATA": "/srv/registre", "REGISTRE_AUDIENCE": "culture",
        "REGISTRE_ROLES_CLAIM": "realm_access.roles", "REGISTRE_BODY_LIMIT_BYTES": "65536", "REGISTRE_LOG_LEVEL": "warning",
        "REGISTRE_LOG_FORMAT": "json", "REGISTRE_MEASURES_S": "0.5", "REGISTRE_PROMISE_DELAY_S": "86400", "REGISTRE_CLOCK_MOVES": "false", "REGISTRE_MIGRATION_URL": "postgres://owner@db.example/registre",
        "REGISTRE_KEK_PREVIOUS": f"{ONE}, {TWO}", "REGISTRE_KEK_PREVIOUS_FILES": "/run/kek-1,/run/kek-2",
    })  # fmt: skip
    settings.check()
    assert (settings.port, settings.workers, settings.data, settings.clock_moves) == (80, 4, Path("/srv/registre"), False)
    assert settings.receipt_secret == bytes(range(220, 252))
    assert not settings.embedded
    untouched = [name for name in Settings.__struct_fields__ if getattr(settings, name) == getattr(Settings(), name)]
    assert untouched == ["kek_file", "promise_key_file", "clock_moves"]
    assert settings.kek_previous == (bytes(range(220, 252)), bytes(32))
    assert settings.kek_previous_files == (Path("/run/kek-1"), Path("/run/kek-2"))


def test_the_token_of_the_commands_is_no_setting() -> None:
    assert Settings.from_env({"REGISTRE_TOKEN": "anything"}) == Settings()


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.from_env({"REGISTRE_DATABASE_URL": "", "REGISTRE_PORT": ""}) == Settings()


@pytest.mark.parametrize("written", [ONE, ONE.rstrip("="), b64encode(bytes(range(220, 252))).decode()])
def test_a_secret_is_read_with_or_without_padding_in_either_alphabet(written: str) -> None:
    assert Settings.from_env({"REGISTRE_STAFF_SECRET": written}).staff_secret == bytes(range(220, 252))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("REGISTRE_ENV", "staging", "REGISTRE_ENV: Invalid enum value 'staging'"),
        ("REGISTRE_PORT", "http", "REGISTRE_PORT: Expected `int`"),
        ("REGISTRE_PORT", "65536", "REGISTRE_PORT: Expected `int` <= 65535"),
        ("REGISTRE_WORKERS", "0", "REGISTRE_WORKERS: Expected `int` >= 1"),
        ("REGISTRE_DATABASE_URL", "mysql://u:hush@h/db", "REGISTRE_DATABASE_URL: Expected `str` matching regex"),
        ("REGISTRE_NATS_URL", "http://hush@h", "REGISTRE_NATS_URL: Expected `str` matching regex"),
        ("REGISTRE_CLOCK_MOVES", "perhaps", "REGISTRE_CLOCK_MOVES: Expected `bool`"),
        ("REGISTRE_RECEIPT_SECRET", "hush!", "REGISTRE_RECEIPT_SECRET is not base64url"),
        ("REGISTRE_STAFF_SECRET", TWO[:-4], "REGISTRE_STAFF_SECRET holds 30 bytes, and 32 are needed"),
        ("REGISTRE_KEK", "hush!", "REGISTRE_KEK is not base64url"),
        ("REGISTRE_KEK_PREVIOUS", f"{ONE},", "REGISTRE_KEK_PREVIOUS holds 0 bytes, and 32 are needed"),
        ("REGISTRE_DATABSE_URL", "x", "REGISTRE_DATABSE_URL is not a setting; REGISTRE_DATABASE_URL may be meant"),
        ("REGISTRE_ORIGIN", "https://consultation.example", "REGISTRE_ORIGIN: Expected `str` matching regex"),
        ("REGISTRE_ORIGIN", "consultation.example/", "REGISTRE_ORIGIN: Expected `str` matching regex"),
        ("REGISTRE_ORIGIN", "consultation.example\n", "REGISTRE_ORIGIN: Expected `str` matching regex"),
        ("REGISTRE_PROMISE_DELAY_S", "60", "REGISTRE_PROMISE_DELAY_S: Expected `int` >= 3600"),
        ("REGISTRE_PROMISE_KEY", "hush!", "REGISTRE_PROMISE_KEY is not base64url"),
        ("REGISTRE_COLOUR", "x", "REGISTRE_COLOUR is not a setting."),
    ],
)
def test_a_value_or_a_name_that_means_nothing_is_named(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        Settings.from_env({name: value})
    assert str(refused.value).startswith(message)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"REGISTRE_ENV": "production"}, "REGISTRE_ENV=production requires REGISTRE_ISSUER"),
        ({"REGISTRE_HOST": "192.0.2.1"}, "REGISTRE_HOST=192.0.2.1 requires REGISTRE_ISSUER"),
        ({"REGISTRE_HOST": "registre.example"}, "requires REGISTRE_ISSUER"),
        ({**EXTERNAL, "REGISTRE_ISSUER": "", "REGISTRE_JWKS": ""}, "REGISTRE_DATABASE_URL requires REGISTRE_ISSUER"),
        ({**ISSUER, "REGISTRE_JWKS": ""}, "REGISTRE_ISSUER and REGISTRE_JWKS go together"),
        ({**ISSUER, "REGISTRE_ISSUER": ""}, "REGISTRE_ISSUER and REGISTRE_JWKS go together"),
        ({**ISSUER, "REGISTRE_JWKS": "http://issuer.example/keys"}, "REGISTRE_JWKS: http://issuer.example/keys: keys come"),
        ({**EXTERNAL, "REGISTRE_KEYRING_URL": ""}, "REGISTRE_DATABASE_URL requires REGISTRE_KEYRING_URL:"),
        (
            {**EXTERNAL, "REGISTRE_RECEIPT_SECRET": "", "REGISTRE_STAFF_SECRET": ""},
            "requires REGISTRE_RECEIPT_SECRET and REGISTRE_STAFF_SECRET:",
        ),
        ({**EXTERNAL, "REGISTRE_KEK": ""}, "REGISTRE_DATABASE_URL requires REGISTRE_KEK or REGISTRE_KEK_FILE:"),
        ({**EXTERNAL, "REGISTRE_KEK_FILE": "/run/kek"}, "REGISTRE_KEK and REGISTRE_KEK_FILE are two ways to say the same"),
        ({**EXTERNAL, "REGISTRE_KEK": TWO}, "REGISTRE_KEK must differ from REGISTRE_RECEIPT_SECRET and REGISTRE_STAFF_SECRET"),
        ({"REGISTRE_MIGRATION_URL": "postgresql://h/db"}, "REGISTRE_MIGRATION_URL requires REGISTRE_DATABASE_URL"),
        ({"REGISTRE_RECEIPT_SECRET": ONE, "REGISTRE_STAFF_SECRET": ONE}, "and REGISTRE_PROMISE_KEY must differ"),
        ({"REGISTRE_PROMISE_KEY": ONE, "REGISTRE_STAFF_SECRET": ONE}, "and REGISTRE_PROMISE_KEY must differ"),
        ({**EXTERNAL, "REGISTRE_PROMISE_KEY": "", "REGISTRE_ORIGIN": ""}, "requires REGISTRE_ORIGIN and REGISTRE_PROMISE_KEY:"),
        ({**EXTERNAL, "REGISTRE_PROMISE_KEY_FILE": "/run/secrets/promise"}, "REGISTRE_PROMISE_KEY_FILE exclude each other"),
        (
            {**PRODUCTION, "REGISTRE_KEYRING_URL": "postgres://other@DB.example:5432/registre"},
            "REGISTRE_KEYRING_URL must not name the database of REGISTRE_DATABASE_URL",
        ),
        ({**ISSUER, "REGISTRE_ENV": "production", "REGISTRE_CLOCK_MOVES": "1"}, "REGISTRE_CLOCK_MOVES is for the embedded"),
        ({**EXTERNAL, "REGISTRE_CLOCK_MOVES": "true"}, "REGISTRE_CLOCK_MOVES is for the embedded"),
        ({"REGISTRE_NATS_URL": "nats://h", "REGISTRE_CLOCK_MOVES": "true"}, "REGISTRE_CLOCK_MOVES is for the embedded"),
    ],
)
def test_a_combination_that_breaks_a_promise_is_refused(environ: dict[str, str], sentence: str) -> None:
    settings = Settings.from_env(environ)
    with pytest.raises(SettingsRefused) as refused:
        settings.check()
    assert sentence in str(refused.value)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "environ",
    [
        PRODUCTION,
        EXTERNAL,
        {**EXTERNAL, "REGISTRE_KEK": "", "REGISTRE_KEK_FILE": "/run/kek"},
        {**EXTERNAL, "REGISTRE_KEYRING_URL": EXTERNAL["REGISTRE_DATABASE_URL"]},
        {**PRODUCTION, "REGISTRE_KEYRING_URL": "postgresql://keyring@db.example/keyring"},
        {**PRODUCTION, "REGISTRE_DATABASE_URL": "postgresql://u@one.example:5432,two.example:5432/registre"},
        {**ISSUER, "REGISTRE_HOST": "::"},
        {"REGISTRE_HOST": "::1", "REGISTRE_CLOCK_MOVES": "true"},
        {"REGISTRE_HOST": "localhost"},
        {**EXTERNAL, "REGISTRE_PROMISE_KEY": "", "REGISTRE_PROMISE_KEY_FILE": "/run/secrets/promise"},
        {"REGISTRE_ORIGIN": "localhost:8000"},
    ],
)
def test_what_breaks_no_promise_is_taken(environ: dict[str, str]) -> None:
    Settings.from_env(environ).check()


def test_neither_secrets_nor_passwords_are_shown() -> None:
    settings = Settings.from_env({**EXTERNAL, "REGISTRE_KEK_PREVIOUS": ONE})
    for shown in (repr(settings), str(settings), f"{settings}", pretty_repr(settings)):
        assert "hush" not in shown
        assert r"\x" not in shown
        assert "issuer.example" in shown


def test_every_setting_is_described_once_in_order() -> None:
    described = describe()
    assert [each.name for each in described] == ["REGISTRE_" + name.upper() for name in Settings.__struct_fields__]
    assert all(each.description for each in described)
    assert {each.name: each.default for each in described}.items() >= {
        "REGISTRE_PORT": "8000", "REGISTRE_DATA": ".registre", "REGISTRE_CLOCK_MOVES": "false", "REGISTRE_DATABASE_URL": "",
    }.items()  # fmt: skip
