"""A process that writes, forks, and writes on both sides: run by test_lifetime with a URL and how the child ends."""

import os
import signal
import sys
from uuid import uuid4

from eventsourcing.persistence import StoredEvent

from adapters.library import Factory


def main(url: str, ending: str) -> None:
    signal.alarm(30)
    recorder = Factory({"REGISTRE_DATABASE_URL": url}).application_recorder()

    def write() -> None:
        print(recorder.insert_events([StoredEvent(uuid4(), 1, "a:Topic", b"")]), flush=True)

    recorder.insert_events([StoredEvent(uuid4(), 1, "a:Topic", b"")])
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        write()
        if ending == "exit":
            sys.exit(0)
        os._exit(0)
    print(os.waitpid(child, 0)[1], flush=True)
    write()


if __name__ == "__main__":
    main(*sys.argv[1:])
