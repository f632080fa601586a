"""What ``nuriwake apply`` does with each input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nuriwake.errors import InputError, OutputError, UsageError

if TYPE_CHECKING:
    from nuriwake.io.outputs import OutputPlan
    from nuriwake.jobs.files import ScaleFlags
    from nuriwake.model import Model

_PICTURE_KINDS = ("labels", "overlay")
_RASTER_KINDS = ("labels", "regions", "polygons")


@dataclass(frozen=True, eq=False)
class ApplyJob:
    """A model, and how it is applied.

    Parameters
    ----------
    model : Model
    kinds : str
        The value of ``--save``; empty for the usual kinds.
    bands : tuple of int
        Bands to use, from 1; empty for all.
    scale : ScaleFlags
        How georeferenced rasters are run.
    quiet : bool
    """

    model: Model
    kinds: str
    bands: tuple[int, ...]
    scale: ScaleFlags
    quiet: bool

    def run_all(self, sources: Sequence[Path], output: Path | None) -> int:
        """Label every input; return the exit code."""
        from nuriwake.io.outputs import parse_kinds, plan_outputs

        rasters = [_is_raster(path) for path in sources]
        groups = ((False, _PICTURE_KINDS), (True, _RASTER_KINDS))
        plans: list[tuple[bool, OutputPlan]] = []
        for is_raster, possible in groups:
            chosen = [s for s, flag in zip(sources, rasters, strict=True) if flag == is_raster]
            if chosen:
                usual = "labels" if is_raster else "labels,overlay"
                kinds = parse_kinds(self.kinds or usual, among=possible)
                plans += [(is_raster, plan) for plan in plan_outputs(chosen, output, kinds)]
        n_failed = sum(not self._run_one(plan, is_raster) for is_raster, plan in plans)
        return 1 if n_failed else 0

    def _run_one(self, plan: OutputPlan, is_raster: bool) -> bool:
        """Label one input; False if it failed, which is one line."""
        try:
            said = self._run_raster(plan) if is_raster else self._run_picture(plan)
        except (InputError, OutputError) as error:
            typer.echo(f"nuriwake: {error}", err=True)
            return False
        if not self.quiet:
            typer.echo(f"{plan.source}: {said}", err=True)
        return True

    def _run_picture(self, plan: OutputPlan) -> str:
        from nuriwake.io.formats import read_raster
        from nuriwake.io.outputs import check_writable
        from nuriwake.jobs.results import write_applied

        raster = read_raster(plan.source, self.bands)
        check_writable(plan, overwrite=self.scale.existing == "overwrite")
        write_applied(plan, raster, self.model)
        return _written(plan)

    def _run_raster(self, plan: OutputPlan) -> str:
        """Label a raster of any size, tile by tile."""
        from nuriwake.faces.progress import tile_bar
        from nuriwake.jobs.files import apply_to_file
        from nuriwake.scale.products import MosaicOutputs

        if not self.model.is_local:
            raise UsageError(
                f"{plan.source}: a model of the recipe fast labels whole pictures only. Train one "
                "for rasters: nuriwake fit --recipe tip2020"
            )
        files = dict(plan.files)
        labels = files.get("labels", plan.sidecar.with_suffix("").with_suffix(".labels.tif"))
        outputs = MosaicOutputs(labels, files.get("regions"), files.get("polygons"))
        with tile_bar(plan.source.name, self.quiet) as show:
            report = apply_to_file(
                self.model, plan.source, outputs, self.scale, bands=self.bands, on_progress=show
            )
        if report.skipped:
            return "done before, skipped."
        return f"{report.n_tiles} tiles in {report.seconds:.1f} s -> {_written(plan)}"


def _is_raster(path: Path) -> bool:
    """Tell whether a file has a place on the ground or is too large a format to be a picture."""
    from nuriwake.io.formats import is_geotiff

    return path.suffix.lower() == ".zarr" or is_geotiff(path)


def _written(plan: OutputPlan) -> str:
    return ", ".join(str(path) for _, path in plan.files)
