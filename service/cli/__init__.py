"""The command line: each command a few lines, each error one sentence."""

import click

from service.cli import audit, forgetting, keyring, measures, playing, receipts, serving, upkeep
from service.cli.base import Plain


@click.group(cls=Plain, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="registre")
def main() -> None:
    """Registre: the backend of a public consultation whose promises can be checked."""


for command in (
    serving.serve, serving.work, playing.demo, playing.prepare, playing.import_, playing.publish, upkeep.replay, upkeep.rebuild,
    audit.audit, keyring.keyring, receipts.receipt, receipts.keys, serving.token, upkeep.migrate, upkeep.doctor,
):  # fmt: skip
    main.add_command(command)
audit.audit.add_command(measures.treatment)
audit.audit.add_command(measures.report)
keyring.keyring.add_command(forgetting.reconcile)
keyring.keyring.add_command(forgetting.reap)
