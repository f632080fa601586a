"""The commands ``nuriwake evaluate`` and ``nuriwake bench``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from nuriwake.evaluate.runner import Failure, Record

Prediction = Annotated[
    Path, typer.Argument(metavar="PREDICTION", help="a label map, or a folder of them")
]
Truth = Annotated[
    Path, typer.Argument(metavar="TRUTH", help="its ground truth: a label map or a BSDS500 .mat")
]
Kind = Annotated[
    Literal["regions", "labels"],
    typer.Option(help="in a folder: which label maps, NAME.regions.png or NAME.labels.png"),
]
Connected = Annotated[
    bool,
    typer.Option(
        "--connected/--as-is",
        help="score connected regions (the published protocol), or the labels as they are",
    ),
]
Boundaries = Annotated[
    bool, typer.Option(help="match boundaries too, within 0.0075 of the diagonal")
]
Dataset = Annotated[
    Literal["bsds500", "voc2012"],
    typer.Argument(metavar="DATASET", help="the data set: bsds500 or voc2012"),
]
Data = Annotated[
    Path,
    typer.Option(
        help="folder that holds images and groundTruth (bsds500), or JPEGImages (voc2012)",
        metavar="DIR",
    ),
]
Records = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", help="folder of the records; bench-DATASET if empty", metavar="DIR"
    ),
]
Methods = Annotated[
    str, typer.Option(help="comma-separated names; all if empty", metavar="NAME,...")
]
Contours = Annotated[
    bool, typer.Option(help="match the boundaries of every cut of a tree: F and AP of its contours")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="compute records again that are there already")
]
JsonFlag = Annotated[bool, typer.Option("--json", help="print JSON to standard output")]
QuietFlag = Annotated[bool, typer.Option("--quiet", help="no progress on standard error")]


def evaluate(
    prediction: Prediction,
    truth: Truth,
    kind: Kind = "regions",
    connected: Connected = True,
    boundaries: Boundaries = True,
    json: JsonFlag = False,
) -> None:
    """Score label maps against ground truth, files or folders."""
    import json as json_module
    from dataclasses import asdict

    from nuriwake.evaluate.files import evaluate_files
    from nuriwake.evaluate.report import format_scores
    from nuriwake.evaluate.summaries import pool

    done, n_failed = [], 0
    options = {"connected": connected, "boundaries": boundaries}
    for each in evaluate_files(prediction, truth, kind=kind, **options):
        if each.scores is None:
            typer.echo(f"nuriwake: {each.error}", err=True)
            n_failed += 1
            continue
        done.append((each.name, each.scores))
        if json:
            record = {"name": each.name, **asdict(pool([each.scores]))}
            typer.echo(json_module.dumps(record))
    if done and not json:
        typer.echo(format_scores(done))
    raise typer.Exit(1 if n_failed else 0)


def bench(
    dataset: Dataset,
    data: Data,
    output: Records = None,
    split: Annotated[
        str, typer.Option(help="train, val or test (bsds500); train, val or trainval (voc2012)")
    ] = "val",
    methods: Methods = "",
    limit: Annotated[int | None, typer.Option(help="only the first N pictures")] = None,
    jobs: Annotated[int, typer.Option(help="worker processes")] = 1,
    threads: Annotated[int, typer.Option(help="threads of each worker")] = 1,
    seed: Annotated[int, typer.Option(help="seed of the methods that draw numbers")] = 0,
    boundaries: Boundaries = True,
    contours: Contours = True,
    overwrite: Overwrite = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Compare methods on a data set; a second run goes on."""
    from nuriwake.evaluate.datasets import DATASETS
    from nuriwake.evaluate.peers import choose_methods
    from nuriwake.evaluate.report import format_table, summarise, table_json
    from nuriwake.evaluate.runner import Protocol, Record, run_benchmark

    chosen = choose_methods([name for name in methods.split(",") if name])
    images = DATASETS[dataset](data, split, limit)
    protocol = Protocol(
        split, seed, threads, boundaries=boundaries, contours=contours, dataset=dataset
    )
    records = output or Path(f"bench-{dataset}")
    stream = run_benchmark(images, chosen, records, protocol, jobs=jobs, overwrite=overwrite)
    answers = list(_shown(stream, len(images) * len(chosen), quiet))
    done = [answer for answer in answers if isinstance(answer, Record)]
    table = summarise(done, order=[method.name for method in chosen])
    typer.echo(table_json(table) if json else format_table(table))
    raise typer.Exit(1 if len(done) < len(answers) else 0)


def _shown(
    stream: Iterator[Record | Failure], total: int, quiet: bool
) -> Iterator[Record | Failure]:
    """Pass answers on; show a bar, and a line for each failure."""
    from rich.console import Console
    from rich.progress import Progress

    from nuriwake.evaluate.runner import Failure

    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task("bench", total=total)
        for answer in stream:
            if isinstance(answer, Failure):
                message = f"nuriwake: {answer.image}, {answer.method}: {answer.message}"
                progress.console.print(message, markup=False, highlight=False, soft_wrap=True)
            progress.advance(task)
            yield answer
