"""``python -m deploy.kafka``: start, stop and look at the local Kafka that ``make kafka-up`` keeps running."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from contracts.errors import SampanError
from deploy.kafka.cluster import LocalCluster
from deploy.kafka.jars import ensure_jars
from deploy.kafka.plan import ClusterPlan
from deploy.kafka.ready import living_brokers, quiet, run_apart
from deploy.kafka.topics import ensure_topics

_FIRST_PORT: Final = 9092
_DOWN: Final = 3

app = typer.Typer(
    name="kafka",
    help="Apache Kafka on this machine, without Java or Docker: for development and tests.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=True,
)
_screen = Console(highlight=False, soft_wrap=True)
Folder = Annotated[Path, typer.Option("--folder", help="Where its data is kept.")]


@app.command()
def up(
    folder: Folder = Path(".kafka"),
    nodes: Annotated[int, typer.Option(help="1 or 3.")] = 1,
    port: Annotated[
        int, typer.Option(help="Of the first broker; the others take the next ones.")
    ] = _FIRST_PORT,
    secure: Annotated[bool, typer.Option(help="TLS, passwords and ACLs.")] = False,
) -> None:
    """Start Kafka and leave it running; create Sampan's topics."""
    with _plainly():
        kept = ClusterPlan.load(folder.absolute())
        if kept is not None and len(kept.nodes) != nodes:
            _screen.print(f"{folder} holds a Kafka of {len(kept.nodes)} nodes, so that one is started.")
        jars = _fetched()
        kafka = LocalCluster(
            folder, nodes=nodes, ports=range(port, port + nodes), secure=secure, guarded=False, jars=jars
        )
        running = sum(node.pid is not None for node in kafka.nodes)
        if running == len(kafka.nodes):
            _screen.print(f"Kafka is up already: {kafka.bootstrap}")
        else:
            with _screen.status(f"starting Kafka ({_count(len(kafka.nodes) - running)})"):
                kafka.start()
            _screen.print(f"Kafka is up: {kafka.bootstrap} ({_count(len(kafka.nodes))}, data in {folder})")
        created = asyncio.run(_topics(kafka))
        _screen.print(f"Topics created: {', '.join(created)}" if created else "All topics are there.")
        _screen.print(f"Tests use it with: SAMPAN_KAFKA={kafka.bootstrap}. make kafka-down stops it.")


@app.command()
def down(folder: Folder = Path(".kafka")) -> None:
    """Stop Kafka; its data stays."""
    with _plainly():
        kafka = _known(folder)
        if kafka is None or all(node.pid is None for node in kafka.nodes):
            _screen.print("Kafka is not running.")
            return
        with _screen.status("stopping Kafka"):
            kafka.stop()
        _screen.print(f"Kafka is stopped; its data stays in {folder}.")


@app.command()
def status(folder: Folder = Path(".kafka")) -> None:
    """Say which nodes run and answer. Exit code 0 when all do, 3 when not."""
    with _plainly():
        kafka = _known(folder)
        if kafka is None or all(node.pid is None for node in kafka.nodes):
            _screen.print("Kafka is not running. make kafka-up starts it.")
            raise typer.Exit(_DOWN)
        alive = run_apart(living_brokers(kafka.access()))
        for node in kafka.nodes:
            answers = "answers" if node.node_id in alive else "does not answer"
            says = f"runs (process {node.pid}) and {answers}" if node.pid is not None else "is down"
            _screen.print(f"node {node.node_id} on port {node.node.port} {says}")
        if alive != {node.node_id for node in kafka.nodes}:
            raise typer.Exit(_DOWN)


@app.command()
def fetch() -> None:
    """Fetch Kafka's jars into this user's cache and check them; quick when they are there."""
    with _plainly():
        _fetched()


def _known(folder: Path) -> LocalCluster | None:
    if ClusterPlan.load(folder.absolute()) is None:
        return None
    return LocalCluster(folder, guarded=False, jars=())


def _fetched() -> tuple[Path, ...]:
    with _screen.status("checking Kafka's jars") as line:

        def tell(present: int, wanted: int) -> None:
            text = f"fetching Kafka's jars (43 MB, once): {present} of {wanted}"
            if _screen.is_terminal:
                line.update(text)
            elif present < wanted and present % 10 == 0:
                _screen.print(text)

        return ensure_jars(progress=tell)


async def _topics(kafka: LocalCluster) -> tuple[str, ...]:
    with quiet():
        return await ensure_topics(kafka.access(), replicas=kafka.plan.replicas)


def _count(nodes: int) -> str:
    return "one node" if nodes == 1 else f"{nodes} nodes"


@contextmanager
def _plainly() -> Iterator[None]:
    """An expected error is one sentence and exit code 1."""
    try:
        yield
    except SampanError as error:
        Console(stderr=True, highlight=False).print(error.sentence(), soft_wrap=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app()
