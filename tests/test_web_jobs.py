"""The life of jobs, in any order of what people and the worker do."""

from __future__ import annotations

import threading

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    precondition,
    rule,
)

from app_stand_in import colour_tree
from nuriwake.errors import InputError
from nuriwake.faces.web.jobs import Busy, JobQueue
from nuriwake.faces.web.limits import Limits
from nuriwake.faces.web.work import JobProgress, Task
from nuriwake.raster import as_raster
from nuriwake.settings import Settings

LIMITS = Limits(waiting=2, keep_seconds=1e9, keep_pixels=24, preview_seconds=0.0)
BASE = np.ones((2, 4), np.int32)
GROWN = colour_tree(np.zeros((2, 4, 3), np.uint8), 2)
ENDS = ("done", "failed", "cancelled")
RANK = {"queued": 0, "running": 1, "done": 2, "failed": 2, "cancelled": 2}


class Puppet:
    """A runner that does what the test says, step by step."""

    def __init__(self):
        self.orders: list[str] = []
        self.ready = threading.Semaphore(0)  # orders given
        self.done = threading.Semaphore(0)  # orders carried out
        self.started = threading.Semaphore(0)

    def __call__(self, task, report):
        self.started.release()
        iteration = 0
        while True:
            self.ready.acquire()
            order = self.orders.pop(0)
            if order == "step":
                iteration += 1
                try:
                    report(JobProgress(iteration, 100, 2, 1.0, lambda: BASE))
                finally:
                    self.done.release()
                continue
            if order == "fail":
                raise InputError("told to fail.")
            return GROWN

    def tell(self, order):
        self.orders.append(order)
        self.ready.release()


class JobLife(RuleBasedStateMachine):
    """What is known of every job must follow from what was done."""

    jobs = Bundle("jobs")

    def __init__(self):
        super().__init__()
        self.puppet = Puppet()
        self.queue = JobQueue(self.puppet, LIMITS)
        self.seen: dict[str, str] = {}
        self.alive: list = []  # queued and running jobs, in order
        self.over: list = []  # ended ones, oldest first
        self.forgotten: list = []
        self.noticed = 0

    def teardown(self):
        for job in list(self.alive):
            self.queue.cancel(job)
        self.puppet.tell("step")
        self.queue.close()

    def end(self, job, state):
        """Wait until the worker has recorded the end, and the next job runs."""
        while job.status.state != state or job.id in self.queue._futures:
            self.pause()
        self.alive.remove(job)
        self.over.append(job)
        if self.alive:
            self.wait_running()

    def wait_running(self):
        self.puppet.started.acquire()
        assert self.alive[0].status.state == "running"

    def pause(self):
        threading.Event().wait(0.0005)

    @rule(target=jobs)
    def submit(self):
        task = Task("a.png", as_raster(np.zeros((2, 4, 3), np.uint8)), Settings())
        try:
            job = self.queue.submit(task)
        except Busy:
            assert len(self.alive) == 1 + LIMITS.waiting
            return None
        self.swept()
        assert len(self.alive) <= LIMITS.waiting
        assert self.queue.find(job.id) is job
        self.alive.append(job)
        if len(self.alive) == 1:
            self.wait_running()
        return job

    @precondition(lambda self: self.alive)
    @rule()
    def step(self):
        before = self.alive[0].status.iteration
        self.puppet.tell("step")
        self.puppet.done.acquire()
        assert self.alive[0].status.iteration == before + 1
        assert self.alive[0].status.preview.startswith(b"\x89PNG")

    @precondition(lambda self: self.alive)
    @rule(fails=st.booleans())
    def finish(self, fails):
        job = self.alive[0]
        self.puppet.tell("fail" if fails else "finish")
        self.end(job, "failed" if fails else "done")
        assert (job.grown is None) == fails
        assert (job.status.message == "told to fail.") == fails

    @rule(job=jobs)
    def cancel(self, job):
        if job is None:
            return
        is_running = bool(self.alive) and job is self.alive[0]
        self.queue.cancel(job)
        if is_running:
            self.puppet.tell("step")  # the next report ends it
            self.puppet.done.acquire()
            self.end(job, "cancelled")
        elif job in self.alive:
            assert job.status.state == "cancelled"
            self.alive.remove(job)
            self.over.append(job)
        elif job in self.over:
            self.over.remove(job)
            self.forgotten.append(job)

    @rule(job=consumes(jobs))
    def watch(self, job):
        if job is None:
            return
        assert not job.is_abandoned(1e12)  # nobody has watched it yet
        unwatch = job.watch(lambda: None)
        assert not job.is_abandoned(1e12)
        unwatch()
        assert job.is_abandoned(1e12) == (job in self.alive)

    @rule()
    def sweep(self):
        self.queue.sweep()
        self.swept()

    def swept(self):
        """Keep three results of eight pixels, the newest."""
        n_kept = LIMITS.keep_pixels // BASE.size
        self.forgotten += self.over[:-n_kept]
        self.over = self.over[-n_kept:]

    @invariant()
    def states_go_forward_and_the_queue_knows(self):
        assert [job.status.state for job in self.alive[1:]] == ["queued"] * len(self.alive[1:])
        assert [self.queue.n_before(job) for job in self.alive] == list(range(len(self.alive)))
        assert self.queue.is_idle == (not self.alive)
        assert self.queue.is_full == (len(self.alive) > LIMITS.waiting)
        for job in (*self.alive, *self.over):
            state = job.status.state
            assert RANK[state] >= RANK[self.seen.get(job.id, "queued")]
            assert self.seen.get(job.id) not in ENDS or self.seen[job.id] == state
            assert job.status.is_over == (job in self.over)
            assert self.queue.find(job.id) is job
            self.seen[job.id] = state
        assert all(self.queue.find(job.id) is None for job in self.forgotten)


JobLife.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestJobLife = JobLife.TestCase
