"""The commands ``nuriwake info`` and ``nuriwake recipes``."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

JsonFlag = Annotated[bool, typer.Option("--json", help="print JSON instead of text")]


@dataclass(frozen=True)
class MachineInfo:
    """What decides speed and repeatability on this machine."""

    versions: dict[str, str]
    device: str
    devices: list[str]
    threads: int
    cpu: str
    bf16: bool
    fast: str


def machine_info() -> MachineInfo:
    """Look at this machine."""
    import torch

    from nuriwake.engine.compute import available_devices, choose_device
    from nuriwake.engine.precision import has_fast_bf16, instruction_set
    from nuriwake.io.versions import package_versions
    from nuriwake.machine import count_cores
    from nuriwake.recipes.grid_learning import needs_torch
    from nuriwake.settings import Settings

    settings = Settings(recipe="fast")
    device = choose_device("auto")
    return MachineInfo(
        versions=package_versions(),
        device=str(device),
        devices=available_devices(),
        threads=count_cores(),
        cpu=instruction_set(),
        bf16=has_fast_bf16(torch.device("cpu")),
        fast=str(device) if needs_torch(settings, settings.grid_cells) else "cpu, fp32",
    )


WarmUpFlag = Annotated[
    bool,
    typer.Option(
        "--warm-up", help="compile what the first picture would wait for; for images and clusters"
    ),
]


def info(json: JsonFlag = False, warm_up: WarmUpFlag = False) -> None:
    """Show versions, device, threads and CPU features."""
    if warm_up:
        _warm_up()
    found = machine_info()
    if json:
        import json as json_module

        typer.echo(json_module.dumps(asdict(found)))
        return
    for package, version in found.versions.items():
        typer.echo(f"{package:<14}{version}")
    typer.echo(f"{'device':<14}{found.device} (available: {', '.join(found.devices)})")
    typer.echo(f"{'threads':<14}{found.threads}")
    bf16 = "fast" if found.bf16 else "slow or none, so that auto takes fp32"
    typer.echo(f"{'CPU':<14}{found.cpu}; bf16: {bf16}")
    typer.echo(f"{'recipe fast':<14}{found.fast}, unless --device or --precision names another")


def _warm_up() -> None:
    from nuriwake.jobs.warm_up import warm_up

    started = time.perf_counter()
    warm_up()
    typer.echo(f"warmed up in {time.perf_counter() - started:.1f} s", err=True)


def recipes(json: JsonFlag = False) -> None:
    """List the recipes and every setting with its default in each."""
    from nuriwake.settings import RECIPES, Settings, allowed

    if json:
        import json as json_module

        from nuriwake.faces.form import describe

        typer.echo(json_module.dumps(describe()))
        return
    values = {name: Settings(recipe=name).model_dump() for name in RECIPES}
    for recipe in RECIPES.values():
        typer.echo(f"{recipe.name:<12}{recipe.summary}")
    typer.echo("\n" + f"{'setting':<18}" + "".join(f"{name:<12}" for name in RECIPES) + "meaning")
    for name, field in Settings.model_fields.items():
        columns = "".join(f"{values[recipe][name]!s:<12}" for recipe in RECIPES)
        typer.echo(f"{name:<18}{columns}{field.description}; {allowed(field)}")
