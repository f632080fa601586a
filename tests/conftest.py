"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

from nuriwake.engine import compute, private

# Started in the background, a shell makes the tests, and what they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

# One profile: examples are the same in every run, and a slow machine is no failure.
settings.register_profile("steady", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("steady")

REPOSITORY = Path(__file__).resolve().parents[1]

#: For tests that kill or limit a process.
posix_only = pytest.mark.skipif(
    os.name != "posix", reason="signals between processes and resource limits are of POSIX"
)


def require_or_skip(present: bool, variable: str, reason: str) -> None:
    """Skip with a reason; fail instead where the environment says that it must be there."""
    if not present:
        if os.environ.get(variable) == "1":
            pytest.fail(f"{reason} (and {variable}=1)")
        pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real pictures, beside the checkout or in NURIWAKE_DATA; not in the repository."""
    folder = Path(os.environ.get("NURIWAKE_DATA", REPOSITORY.parent / "shared" / "data"))
    require_or_skip(folder.is_dir(), "NURIWAKE_REQUIRE_DATA", f"no real data in {folder}")
    return folder


@pytest.fixture(scope="session")
def coffee() -> Path:
    """The example picture that the demo segments."""
    return REPOSITORY / "examples" / "coffee.png"


@pytest.fixture(autouse=True)
def two_threads() -> None:
    """Keep the number of threads, and so the order of sums, the same everywhere."""
    torch.set_num_threads(2)


@pytest.fixture(autouse=True)
def device_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``auto`` mean NURIWAKE_TEST_DEVICE, cuda or mps; it fails where there is no such one."""
    name = os.environ.get("NURIWAKE_TEST_DEVICE")
    if name:
        compute.choose_device(name)
        monkeypatch.setattr(compute, "available_devices", lambda: ["cpu", name])


@pytest.fixture(params=["bf16 products as they are", "no bf16 products"])
def bf16_road(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both roads of bfloat16: this machine's, and that of a CPU that cannot multiply it."""
    if request.param == "no bf16 products":
        monkeypatch.setattr(private, "answers", lambda _name: False)


@pytest.fixture
def blocks() -> np.ndarray:
    """A 24 x 32 picture of three flat colours with a little noise: a human sees three regions."""
    rng = np.random.default_rng(0)
    image = np.zeros((24, 32, 3), np.float64)
    image[:, :16] = (200, 40, 40)
    image[:12, 16:] = (40, 180, 60)
    image[12:, 16:] = (50, 60, 200)
    return np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)
