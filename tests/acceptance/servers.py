"""Servers of a test's own, PostgreSQL and RabbitMQ: it may stop and kill them, and start them again."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from pwd import getpwnam

import psycopg
from psycopg import sql

from kneo_project.stack.private_stack import free_port
from kneo_project.stack.programs import Program
from tests import services
from tests.acceptance.conditions import until
from tests.acceptance.processes import Process

# PostgreSQL does not run as root.
USER = "nobody" if os.geteuid() == 0 else None
HERE = "127.0.0.1"
START_SECONDS = 90.0
STOP_SECONDS = 60.0
SMALL_DISK, SMALL_TABLESPACE = "48m", "small"
# A disk in memory, which only the server sees and which goes with it, for whoever may not mount one for all to see.
_WITH_SMALL_DISK = """
    mount -t tmpfs -o size="$1" small "$0" && mkdir "$0/tables" && shift
    exec unshare --user --map-user=1000 --map-group=1000 -- "$@"
"""


class Server:
    """The server at ``url``, which ``program`` runs on the data in ``folder``; ``ending`` asks it to stop gently."""

    def __init__(
        self,
        service: services.Service,
        *,
        url: str,
        program: Program,
        folder: Path,
        env: Mapping[str, str] = os.environ,
        ending: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.url = url
        self.folder = folder
        self._service, self._program, self._env, self._ending = service, program, env, ending
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers.

        One that ends at once is started again, as a supervisor does: what was killed may still be on its way out.
        """
        self._process = self._run()
        until(self._answers, within=START_SECONDS, what=f"{self._program.name} answers")

    def stop(self) -> None:
        """Let it end in order, whoever is connected."""
        self._process.terminate(self._ending)
        self._process.wait_gone(within=STOP_SECONDS)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def close(self) -> None:
        """End it for good."""
        if self._process.is_alive:
            self.stop()

    def _answers(self) -> bool:
        if not self._process.is_alive:
            self._process = self._run()
        return self._service.answers_at(self.url)

    def _run(self) -> Process:
        name, folder = self._program.name, self.folder
        return Process(self._program, name=name, env=self._env, folder=folder, cwd=folder, user=USER)


@contextmanager
def own_postgres(*, has_small_disk: bool = False) -> Iterator[Server]:
    """Run a PostgreSQL cluster of its own; with a small disk it has a tablespace on that."""
    with _own_folder("postgresql") as folder:
        data, port = folder / "data", free_port()
        words = ("--pgdata", str(data), "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--locale=C")
        _do(services.program("initdb"), *words, folder=folder)
        where = ("-p", str(port), "-c", f"listen_addresses={HERE}", "-c", "unix_socket_directories=")
        command = (services.program("postgres"), "-D", str(data), *where)
        server = Server(
            services.POSTGRES,
            url=f"postgresql://postgres@{HERE}:{port}/postgres",
            program=Program(name="postgresql", command=_on_small_disk(folder, command) if has_small_disk else command),
            folder=folder,
            ending=signal.SIGINT,  # it waits for nobody to leave
        )
        try:
            if has_small_disk:
                _make_tablespace(server)
            yield server
        finally:
            server.close()


@contextmanager
def own_rabbitmq() -> Iterator[Server]:
    """Run a RabbitMQ node of its own, with a name, a cookie and a port mapper that nobody else uses."""
    with _own_folder("rabbitmq") as folder:
        env = _rabbitmq_environment(folder)
        mapper = Program(name="epmd", command=(services.program("epmd"),))
        ports = Process(mapper, name=mapper.name, env=env, folder=folder, cwd=folder, user=USER)
        try:
            server = Server(
                services.RABBITMQ,
                url=f"amqp://guest:guest@{HERE}:{env['RABBITMQ_NODE_PORT']}//",
                program=Program(name="rabbitmq", command=(services.program("rabbitmq-server"),)),
                folder=folder,
                env=env,
            )
            try:
                yield server
            finally:
                server.close()
        finally:
            ports.kill()


def _rabbitmq_environment(folder: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RABBITMQ_")}
    (folder / "rabbitmq.conf").touch()
    (folder / "environment").touch()
    port = free_port()
    return inherited | {
        "HOME": str(folder),  # Erlang makes the cookie there
        "ERL_EPMD_ADDRESS": HERE,
        "ERL_EPMD_PORT": str(free_port()),
        "RABBITMQ_NODENAME": f"kneo-{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": HERE,
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_CONF_ENV_FILE": str(folder / "environment"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
    }


def _make_tablespace(server: Server) -> None:
    made = sql.SQL("CREATE TABLESPACE {} LOCATION {}")
    place = sql.Literal(str(server.folder / "disk" / "tables"))
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(made.format(sql.Identifier(SMALL_TABLESPACE), place))


def _on_small_disk(folder: Path, command: tuple[str, ...]) -> tuple[str, ...]:
    disk = folder / "disk"
    _do("mkdir", str(disk), folder=folder)
    return ("unshare", "--map-root-user", "--mount", "sh", "-euc", _WITH_SMALL_DISK, str(disk), SMALL_DISK, *command)


@contextmanager
def _own_folder(name: str) -> Iterator[Path]:
    """Yield a folder in which the server may write, outside of those that only this user can enter."""
    with tempfile.TemporaryDirectory(prefix=f"kneo-{name}-") as made:
        if USER:
            os.chown(made, getpwnam(USER).pw_uid, getpwnam(USER).pw_gid)
        yield Path(made)


def _do(*command: str, folder: Path) -> None:
    group = getpwnam(USER).pw_gid if USER else None
    groups: list[int] | None = [] if USER else None
    subprocess.run(command, cwd=folder, user=USER, group=group, extra_groups=groups, check=True, capture_output=True)
