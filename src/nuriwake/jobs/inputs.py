"""The one road of every input: planned, skipped if done, worked on, published; or one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from nuriwake.errors import InputError, NuriwakeError, OutputError, UsageError
from nuriwake.jobs.commit import Staging, staging
from nuriwake.jobs.listener import Collected, Listener
from nuriwake.jobs.plan import OutputPlan, Wish, plan_outputs
from nuriwake.jobs.records import RunRecord, is_done
from nuriwake.jobs.route import FORMATS, Route
from nuriwake.jobs.warm_up import compiling_is_told
from nuriwake.settings import Settings


class Job(Protocol):
    """What every input of one command is worked on with."""

    @property
    def settings(self) -> Settings:
        """Those that decide the result."""

    @property
    def overwrite(self) -> bool:
        """Replace files that no record names."""

    @property
    def resume(self) -> bool:
        """Skip inputs that are done."""

    def route_of(self, source: Path) -> Route:
        """Choose the way of an input.

        Raises
        ------
        InputError
            If the input cannot be used.
        UsageError
            If something was asked for that this way cannot do.
        """

    def kinds_on(self, route: Route) -> tuple[str, ...]:
        """Name what is written."""

    def request(self, source: Path) -> dict[str, str]:
        """Name everything besides the settings that shapes the result."""

    def work(
        self,
        plan: OutputPlan,
        route: Route,
        request: Mapping[str, str],
        files: Staging,
        listener: Listener,
    ) -> RunRecord:
        """Do the work and publish the files."""


@dataclass(frozen=True, eq=False)
class Planned:
    """One input, the way it goes and the files it will have; or why it cannot be done."""

    source: Path
    route: Route = "whole"
    plan: OutputPlan | None = None
    error: NuriwakeError | None = None


@dataclass(frozen=True, eq=False)
class RunReport:
    """How one input went.

    Parameters
    ----------
    record : RunRecord or None
        None where the input was skipped or failed.
    error : str
        One line; empty where all went well.
    is_usage : bool
        Whether the error is in what was asked for.
    lines : tuple of str
        For people, where nobody listened.
    """

    record: RunRecord | None
    error: str = ""
    is_usage: bool = False
    lines: tuple[str, ...] = ()


def plan_inputs(job: Job, sources: Sequence[Path], output: Path | None) -> list[Planned]:
    """Choose the way of every input and name its files, before any work.

    An input that cannot be used is marked; the others go on.

    Parameters
    ----------
    job : Job
    sources : sequence of pathlib.Path
    output : pathlib.Path or None
        As in :func:`.plan.plan_outputs`.

    Raises
    ------
    UsageError
        If the names cannot be had.
    """
    routed = [_route(job, source) for source in sources]
    wishes = [
        Wish(one.source, job.kinds_on(one.route), FORMATS[one.route])
        for one in routed
        if one.error is None
    ]
    plans = iter(plan_outputs(wishes, output))
    return [one if one.error else replace(one, plan=next(plans)) for one in routed]


def _route(job: Job, source: Path) -> Planned:
    try:
        return Planned(source, job.route_of(source))
    except (InputError, UsageError) as error:
        return Planned(source, error=error)


def run_input(job: Job, planned: Planned, listener: Listener) -> RunReport:
    """Work on one input and write its files; what is wrong with it becomes one line."""
    try:
        if planned.plan is None:
            raise planned.error or UsageError(f"{planned.source}: was not planned.")
        return RunReport(_run(job, planned.plan, planned.route, listener))
    except (InputError, OutputError) as error:
        return RunReport(None, str(error))
    except UsageError as error:
        return RunReport(None, str(error), is_usage=True)


def _run(job: Job, plan: OutputPlan, route: Route, listener: Listener) -> RunRecord | None:
    request = job.request(plan.source)
    if job.resume and is_done(plan, request, job.settings.model_dump()):
        listener.say(f"{plan.source}: done before, skipped.")
        return None
    with staging(plan, job.overwrite) as files, compiling_is_told(listener):
        return job.work(plan, route, request, files, listener)


def attempt(task: tuple[Job, Planned]) -> RunReport:
    """Work on one input in silence; this is what workers run."""
    job, planned = task
    listener = Collected()
    report = run_input(job, planned, listener)
    return replace(report, lines=tuple(listener.lines))
