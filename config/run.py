"""`make run`: everything on this machine, with two demo schools. Ctrl-C stops it cleanly."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from types import FrameType

from config import embedded
from config.stack import PYTHON, PortTaken, Stack, StackFailed, port_is_free

RESTARTS = 5


def main() -> None:
    options = _options()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    os.environ["PUBLIC_PORT"] = f":{options.port}"
    os.environ["SANDBOX_URL"] = f"http://localhost:{options.sandbox_port}"
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _interrupt)
    try:
        _run(options)
    except PortTaken as error:
        sys.exit(
            f"make run: {error}, perhaps by another `make run`. Stop that program, "
            f"or choose another port: make run PORT={options.port + 100}"
        )
    except (embedded.EmbeddedError, StackFailed) as error:
        sys.exit(f"make run: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"make run: {' '.join(error.cmd[1:])} failed; its message is above.")
    except KeyboardInterrupt:
        print(f"\nStopped. The data stays in {embedded.data_dir()}; `make run` goes on with it.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m config.run", description=__doc__)
    parser.add_argument("--port", type=_port, default=8000)
    parser.add_argument("--sandbox-port", type=_port, help="default: the port after --port")
    options = parser.parse_args()
    options.sandbox_port = options.sandbox_port or options.port + 1
    return options


def _port(text: str) -> int:
    """A port that has a next one, for the sandbox."""
    if not text.isdecimal() or not 0 < int(text) < 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; choose one from 1 to 65534")
    return int(text)


def _interrupt(_signum: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run(options: argparse.Namespace) -> None:
    stack = Stack(
        port=options.port,
        sandbox_port=options.sandbox_port,
        env={},
        logs=embedded.data_dir() / "logs",
    )
    _check_ports(stack)
    _say("Starting PostgreSQL and Redis" if embedded.wanted() else "Using DATABASE_URL, REDIS_URL")
    embedded.hold()
    stack.env.update(os.environ)
    embedded.remember_addresses(os.environ["PUBLIC_PORT"], os.environ["SANDBOX_URL"])
    _say("Migrating")
    _python("manage.py", "prepare_database", "-v", "0")
    _python("manage.py", "migrate_schools", "-v", "0")
    try:
        stack.start("web", "sandbox")
        _say("Preparing the demo schools (only the first time)")
        _python("-m", "config.demo")
        stack.start()
        stack.wait_ready()
        _python("-m", "config.demo", "--signs")
        _watch(stack)
    finally:
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, signal.SIG_IGN)
        stack.stop()


def _check_ports(stack: Stack) -> None:
    for port in (stack.port, stack.sandbox_port):
        if not port_is_free(port):
            raise PortTaken(f"port {port} is taken")


def _python(*arguments: str) -> None:
    # Its own session: on Ctrl-C we wait for it to end in good order.
    process = subprocess.Popen([PYTHON, *arguments], cwd=embedded.ROOT, start_new_session=True)
    try:
        code = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    if code:
        raise subprocess.CalledProcessError(code, [PYTHON, *arguments])


def _watch(stack: Stack) -> None:
    """Start again what ends by itself, a few times; then give up and say so."""
    restarts = 0
    while True:
        time.sleep(1)
        for name in stack.ended():
            restarts += 1
            if restarts > RESTARTS:
                raise StackFailed(f"{name} keeps ending: {stack.log(name)}")
            _say(f"{name} ended; starting it again (log: {stack.logs / name}.log)")
            stack.processes.pop(name)
            stack.start_one(name)


def _say(text: str) -> None:
    print(f"· {text}", flush=True)


if __name__ == "__main__":
    main()
