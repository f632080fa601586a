"""Regions of large scenes: seconds, memory and quality, of nuriwake and of others, side by side.

    python benchmarks/scenes.py [--sides 2000 5000] [--methods fast fast-2 otb ...] [--memory 1600M]
                                [--folder DIR] [--json FILE] [--patience 600]

The scenes are those of `made_scene.py`, whose truth is known. Every method writes a map of regions
to a file, in a program of its own with one thread a worker; the clock, and the memory of the
program and all that it starts, are taken from outside. The map is then compared with the truth,
window by window: adjusted Rand index (ari), and mean best intersection over union of the true
segments (miou). What is not installed, or takes longer than --patience seconds, says so in its row.

Of nuriwake: fast (tiles in one process), fast-2 (two workers), fast-dask-2 (two workers of Dask)
and fast-whole (untiled); "agreement" is the adjusted Rand index with the regions of fast-whole.
Others: otb (Orfeo ToolBox, LargeScaleMeanShift), shepherd (`pip install --no-deps --target DIR
shepherd-wasm`, then PYTHONPATH=DIR) and felzenszwalb (scikit-image). The settings of each stand in
SETTINGS; they were chosen by `--tune`: the best adjusted Rand index on a scene of another seed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from made_scene import write_scene
from memory import PAGE, children
from nuriwake.evaluate.contingency import Contingency
from nuriwake.evaluate.metrics import adjusted_rand_index, best_ious

Settings = Mapping[str, float | str]
#: What each method is told, and what --tune tries beside it, one after the other.
SETTINGS: Mapping[str, Settings] = {
    "fast": {"detail": "medium", "edge-sigma": 0.5},
    "otb": {"spatialr": 8, "ranger": 250, "minsize": 1000},
    "shepherd": {"numClusters": 10, "minSegmentSize": 3000},
    "felzenszwalb": {"scale": 1e4, "sigma": 2.0, "min_size": 3000},
}
TRIED: Mapping[str, Mapping[str, tuple[float | str, ...]]] = {
    "fast": {
        "detail": ("auto", "fine", "medium"),
        "edge-sigma": (0.5, 1.0, 1.5),
    },
    "otb": {"ranger": (120, 250, 400), "minsize": (300, 1000, 3000), "spatialr": (5, 8, 12)},
    "shepherd": {"numClusters": (5, 8, 10, 20), "minSegmentSize": (1000, 3000, 6000)},
    "felzenszwalb": {"scale": (1e4, 3e4, 1e5, 3e5), "min_size": (300, 1000, 3000)},
}
METHODS = ("fast-whole", "fast", "fast-2", "fast-dask-2", "otb", "shepherd", "felzenszwalb")
#: Pixels up to which a method works whole in memory.
FITS = {"fast-whole": 26_000_000, "felzenszwalb": 26_000_000, "shepherd": 110_000_000}
ROWS = 1024
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1",
    "GDAL_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Row:
    """One method on one scene; without numbers, `note` says why."""

    side: int
    method: str
    settings: str
    note: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    mpix_per_cpu_second: float = 0.0
    main_peak_mb: int = 0
    tree_peak_mb: int = 0
    regions: int = 0
    segments: int = 0
    ari: float = 0.0
    miou: float = 0.0
    agreement: float = 0.0


def command(method: str, settings: Settings, scene: Path, out: Path, memory: str) -> list[str]:
    """Return the command line that writes the regions of a scene.

    Raises
    ------
    LookupError
        If the method is not installed.
    """
    kind = method.split("-")[0]
    if kind == "fast":
        return _fast(method, settings, scene, out, memory)
    if kind == "otb":
        program = shutil.which("otbcli_LargeScaleMeanShift")
        if program is None:
            raise LookupError("not installed: apt-get install otb-bin")
        given = [word for name, value in settings.items() for word in (f"-{name}", str(value))]
        tiles = ["-tilesizex", "2000", "-tilesizey", "2000"]
        mode = ["-mode", "raster", "-mode.raster.out", str(out), "uint32"]
        return [program, "-in", str(scene), *given, *tiles, *mode]
    return [sys.executable, __file__, "--child", kind, str(scene), str(out), json.dumps(settings)]


def _fast(method: str, settings: Settings, scene: Path, out: Path, memory: str) -> list[str]:
    given = {name: value for name, value in settings.items() if value != "auto"}
    flags = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    workers = ["--workers", "2"] if method.endswith("-2") else []
    dask = ["--scheduler", "local"] if "dask" in method else []
    size = "64G" if method == "fast-whole" else memory
    words = ["segment", str(scene), "-o", str(out), "--save", "regions", "--memory", size]
    quiet = ["--threads", "1", "--overwrite", "--quiet"]
    return [sys.executable, "-m", "nuriwake", *words, *flags, *workers, *dask, *quiet]


def run_child(kind: str, scene: Path, out: Path, settings: Mapping[str, float]) -> None:
    """Run a method that is a library, here."""
    import rasterio

    with rasterio.open(scene) as file:
        bands, profile = file.read(), file.profile
    regions: NDArray[np.integer]
    if kind == "shepherd":
        import shepherd_wasm  # type: ignore[import-not-found]

        given = {name: int(value) for name, value in settings.items()}
        done = shepherd_wasm.doShepherdSegmentation(
            bands, imgNullVal=0, fixedKMeansInit=True, **given
        )
        regions = done.segimg
    else:
        from skimage.segmentation import felzenszwalb

        # Its scale is meant for values of [0, 255].
        picture = (bands.transpose(1, 2, 0) / np.float32(10000)).astype(np.float32) * 255
        regions = felzenszwalb(picture, **settings) + 1
    profile.update(count=1, dtype="uint32", compress="deflate")
    with rasterio.open(out, "w", **profile) as file:
        file.write(regions.astype(np.uint32), 1)


def watch(
    words: list[str], folder: Path | None, patience: float
) -> tuple[str, float, float, int, int]:
    """Run a program; return its last words if it failed, seconds, CPU seconds and two peaks in MB.

    The peaks are those of the program's first process, and of all its processes together.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started, main, tree = time.perf_counter(), 0, 0
    # A pipe that nobody empties would stop those that say much.
    with tempfile.TemporaryFile("w+") as said, subprocess.Popen(
        words, env={**os.environ, **ONE_THREAD}, cwd=folder,
        stdout=said, stderr=said, start_new_session=True,
    ) as process:  # fmt: skip
        while process.poll() is None:
            sizes = list(_resident(process.pid))
            main, tree = max([main, *sizes[:1]]), max(tree, sum(sizes))
            if time.perf_counter() - started > patience:
                os.killpg(process.pid, 9)
                return f"stopped after {patience:.0f} s", 0, 0, 0, 0
            time.sleep(0.05)
        said.seek(0)
        lines = said.read().strip().splitlines()
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    note = (lines or ["failed"])[-1] if process.returncode else ""
    return note, seconds, cpu, main >> 20, tree >> 20


def _resident(pid: int) -> Iterator[int]:
    try:
        for one in children(pid):
            yield int(Path(f"/proc/{one}/statm").read_text().split()[1]) * PAGE
    except (OSError, ValueError, IndexError):
        return  # a process that ended meanwhile


def table_of(one: Path, other: Path) -> Contingency:
    """Count the shared pixels of two maps in files, some rows at a time."""
    import rasterio
    from rasterio.windows import Window

    with rasterio.open(one) as first, rasterio.open(other) as second:
        rows = range(0, first.height, ROWS)
        windows = (Window(0, row, first.width, min(ROWS, first.height - row)) for row in rows)
        return Contingency.of_windows(
            (first.read(1, window=window), second.read(1, window=window)) for window in windows
        )


def measure(
    method: str, settings: Settings, side: int, options: argparse.Namespace, seed: int = 0
) -> Row:
    """Run a method on a scene and score its map."""
    scene, truth = (options.folder / f"{what}-{side}-{seed}.tif" for what in ("scene", "truth"))
    if not truth.exists():
        write_scene(scene, truth, side, seed)
    said = ", ".join(f"{name} {value}" for name, value in settings.items())
    out, whole = (options.folder / f"{name}-{side}.tif" for name in (method, "fast-whole"))
    out.unlink(missing_ok=True)
    if side**2 > FITS.get(method, side**2):
        return Row(side, method, said, "does not fit the memory")
    try:
        words = command(method, settings, scene, out, options.memory)
    except LookupError as error:
        return Row(side, method, said, str(error))
    # Orfeo ToolBox keeps its temporary files where it runs.
    place = options.folder if method == "otb" else None
    note, seconds, cpu, main, tree = watch(words, place, options.patience)
    if note:
        return Row(side, method, said, note)
    table = table_of(out, truth)
    agreement = 0.0
    if method.startswith("fast-") or method == "fast":
        agreement = adjusted_rand_index(table_of(out, whole)) if whole.exists() else 0.0
    return Row(
        *(side, method, said, "", round(seconds, 2), round(cpu, 2), side**2 / 1e6 / cpu),
        *(main, tree, table.n_regions, table.n_segments),
        *(adjusted_rand_index(table), float(best_ious(table).mean()), agreement),
    )


def tune(method: str, side: int, options: argparse.Namespace) -> dict[str, float | str]:
    """Choose one setting after the other by the adjusted Rand index on a scene of another seed."""
    best = dict(SETTINGS[method])
    for name, values in TRIED[method].items():
        rows = {v: measure(method, {**best, name: v}, side, options, seed=1) for v in values}
        for row in rows.values():
            show(row)
        best[name] = max(values, key=lambda value, rows=rows: rows[value].ari)
    return best


def show(row: Row) -> None:
    """Print one row of the table."""
    if row.note:
        print(f"| {row.side} | {row.method} | {row.settings} | {row.note} |", flush=True)
        return
    share = (f"{value:.4f}" if value else "" for value in (row.ari, row.miou, row.agreement))
    print(
        f"| {row.side} | {row.method} | {row.settings} | {row.seconds:.1f} | {row.cpu_seconds:.1f} "
        f"| {row.mpix_per_cpu_second:.2f} | {row.main_peak_mb} | {row.tree_peak_mb} "
        f"| {row.regions} | {' | '.join(share)} |",
        flush=True,
    )


def main() -> None:
    """Read the arguments and run."""
    if sys.argv[1:2] == ["--child"]:
        kind, scene, out, settings = sys.argv[2:]
        run_child(kind, Path(scene), Path(out), json.loads(settings))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[2000, 5000])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--memory", default="1600M")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/nuriwake-scenes"))
    parser.add_argument("--patience", type=float, default=3600.0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tune", action="store_true", help="choose settings; the sides' first")
    options = parser.parse_args()
    options.folder = options.folder.resolve()
    options.folder.mkdir(parents=True, exist_ok=True)
    print("| side | method | settings | s | CPU s | MPix / CPU s | MB, main | MB, all | regions "
          "| ari | miou | agreement |\n" + 12 * "|---" + "|")  # fmt: skip
    if options.tune:
        for method in dict.fromkeys(method.split("-")[0] for method in options.methods):
            print(method, tune(method, options.sides[0], options), flush=True)
        return
    rows = []
    for side in options.sides:
        for method in options.methods:
            rows.append(measure(method, SETTINGS[method.split("-")[0]], side, options))
            show(rows[-1])
            if options.json:
                options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
