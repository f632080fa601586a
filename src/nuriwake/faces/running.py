"""Many inputs on the command line: one line for each that fails, one exit code for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from nuriwake.faces.wording import in_flags

if TYPE_CHECKING:
    from nuriwake.faces.progress import Terminal
    from nuriwake.jobs.inputs import Planned, RunReport
    from nuriwake.jobs.segment import SegmentJob

_INTERRUPTED = 130


def run_inputs(reports: Iterator[RunReport], n_inputs: int, terminal: Terminal, json: bool) -> int:
    """Tell how each input went.

    Parameters
    ----------
    reports : iterator of RunReport
    n_inputs : int
    terminal : Terminal
    json : bool
        Print each record to standard output.

    Returns
    -------
    int
        The exit code: 1 where an input failed, 2 where the only one was asked for wrongly, 130
        where the user ended the training.
    """
    failed = []
    for report in reports:
        for line in report.lines:
            terminal.say(line)
        if report.error:
            typer.echo(f"nuriwake: {in_flags(report.error)}", err=True)
            failed.append(report)
        if report.record is not None and json:
            typer.echo(report.record.to_json())
        if report.record is not None and report.record.partial:
            return _INTERRUPTED
    if failed and n_inputs > 1:
        terminal.say(f"{n_inputs - len(failed)} of {n_inputs} inputs done, {len(failed)} failed.")
    if n_inputs == 1 and failed and failed[0].is_usage:
        return 2
    return 1 if failed else 0


@contextmanager
def spread(
    job: SegmentJob, planned: Sequence[Planned], terminal: Terminal
) -> Iterator[Iterator[RunReport]]:
    """Run the inputs one after the other, or several at once where workers were asked for."""
    from nuriwake.jobs.inputs import attempt, run_input

    if len(planned) < 2 or (job.workers < 2 and job.scheduler is None):
        yield (run_input(job, one, terminal) for one in planned)
        return
    from nuriwake.scale.executors import choose_executor

    with choose_executor(job.workers, job.scheduler) as executor, terminal.tiles("inputs") as show:
        share = job.for_worker(executor.n_workers)
        tasks = [(share, one) for one in planned]

        def reports() -> Iterator[RunReport]:
            for done, (_, report) in enumerate(executor.run(attempt, tasks), start=1):
                show(done, len(tasks))
                yield report

        yield reports()
