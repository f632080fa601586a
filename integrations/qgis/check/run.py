"""Runs the plugin headless: the five algorithms through qgis_process, then what QGIS makes of them.

``make test-qgis`` calls it with the Python that nuriwake is installed in. It needs QGIS 3.22:
``apt-get install --no-install-recommends qgis qgis-providers python3-qgis``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
PLUGINS = HERE.parent
#: Debian's wrapper without .bin adds a flag that it does not know itself.
PROCESS = "qgis_process.bin"
QGIS = Path(os.environ.get("NURIWAKE_QGIS", "/usr/share/qgis/python"))
QGIS_PYTHON = os.environ.get("NURIWAKE_QGIS_PYTHON", "/usr/bin/python3")


def write_scene(path: Path) -> None:
    """Write a GeoTIFF of four bands: a river, three fields, a corner without data."""
    import rasterio
    from rasterio.transform import from_origin

    rows, cols = np.mgrid[:200, :300]
    field = np.where(cols < 110, 0, np.where(rows < 90, 1, 2))
    field[np.abs(rows - 100 - 30 * np.sin(cols / 40)) < 9] = 3
    colours = [[60, 90, 50, 180], [110, 100, 60, 120], [80, 120, 70, 220], [40, 60, 80, 20]]
    noise = np.random.default_rng(0).normal(0, 6, (200, 300, 4))
    scene = np.clip(np.array(colours)[field] + noise, 1, 255).astype(np.uint8)
    scene[rows + cols < 60] = 0
    # Else GDAL takes the fourth of four bands of bytes for alpha.
    kind = {"driver": "GTiff", "dtype": "uint8", "photometric": "minisblack"}
    size = {"height": 200, "width": 300, "count": 4, "nodata": 0}
    place = {"crs": "EPSG:32654", "transform": from_origin(380_000, 3_950_000, 10, 10)}
    with rasterio.open(path, "w", **kind, **size, **place) as file:
        file.write(np.moveaxis(scene, 2, 0))


def variables(folder: Path, program: Path | None) -> dict[str, str]:
    """Return the variables of a QGIS with its own profile, with nuriwake on PATH or without."""
    (folder / "runtime").mkdir(mode=0o700, exist_ok=True)
    bin_folder = folder / "bin"
    bin_folder.mkdir(exist_ok=True)
    if program is not None and not (bin_folder / "nuriwake").exists():
        # A folder of its own: the Python of QGIS must not find another Python on PATH.
        (bin_folder / "nuriwake").symlink_to(program)
    # Whoever left PYTHONPATH to the child would see it fail here.
    trap = "raise SystemExit('this is the Python path of QGIS')\n"
    (folder / "torch.py").write_text(trap, encoding="utf-8")
    system = "/usr/local/bin:/usr/bin:/bin"
    return {
        "PATH": system if program is None else f"{bin_folder}:{system}",
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder / "runtime"),
        "QT_QPA_PLATFORM": "offscreen",
        "QGIS_PLUGINPATH": str(PLUGINS),
        "QGIS_CUSTOM_CONFIG_PATH": str(folder / "profile"),
        "PYTHONPATH": str(folder),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2"),
        **{k: v for k, v in os.environ.items() if k.startswith("NUMBA_")},
    }


def process(environment: dict[str, str], algorithm: str, *values: str) -> dict[str, str]:
    """Run one algorithm and return what it names."""
    command = [PROCESS, "--json", "run", f"nuriwake:{algorithm}", "--", *values]
    done = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, str] = json.loads(done.stdout)["results"]
    print(f"nuriwake:{algorithm}: {', '.join(Path(path).name for path in found.values())}")
    return found


def main() -> None:
    """Run all checks in a folder that is removed."""
    program = Path(sys.executable).with_name("nuriwake")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scene, result, model = (folder / n for n in ("scene.tif", "segment.npz", "m.safetensors"))
        write_scene(scene)
        bare = variables(folder, None)
        subprocess.run(
            [PROCESS, "plugins", "enable", "nuriwake_qgis"],
            env=bare,
            check=True,
            capture_output=True,
        )
        check_missing(bare, scene)
        own = variables(folder, program)
        process(
            own,
            "segment",
            f"INPUT={scene}",
            "DETAIL=medium",
            f"OUTPUT={folder}/segment.tif",
            f"RESULT={result}",
        )
        process(
            own,
            "cut",
            f"RESULT={result}",
            "REGIONS=6",
            f"OUTPUT={folder}/cut.tif",
            f"POLYGONS={folder}/cut.gpkg",
        )
        process(own, "train", f"INPUTS={scene}", "BANDS=4,3,2", "MAX_ITER=20", f"MODEL={model}")
        process(
            own,
            "apply",
            f"MODEL={model}",
            f"INPUT={scene}",
            "BANDS=4;3;2",
            f"OUTPUT={folder}/apply.tif",
        )
        process(own, "polygons", f"INPUT={scene}", "REGIONS=6", f"OUTPUT={folder}/polygons.gpkg")
        check_refusal(own, scene, folder)
        picture = HERE.parents[2] / "test-output" / "qgis.png"
        inside = {**own, "PYTHONPATH": f"{QGIS}:{QGIS / 'plugins'}"}
        subprocess.run(
            [QGIS_PYTHON, "-u", HERE / "layers.py", QGIS, folder, picture], env=inside, check=True
        )


def check_missing(bare: dict[str, str], scene: Path) -> None:
    """Expect one sentence with the way out where there is no nuriwake."""
    command = [PROCESS, "run", "nuriwake:segment", "--", f"INPUT={scene}", "OUTPUT=never.tif"]
    done = subprocess.run(command, env=bare, capture_output=True, encoding="utf-8", timeout=300)
    lines = (line.removeprefix("ERROR:\t") for line in done.stderr.splitlines())
    # qgis_process repeats what an algorithm says.
    said = sorted({line for line in lines if "nuriwake" in line})
    assert done.returncode == 1, done
    assert len(said) == 1, done.stderr
    assert said[0].startswith("nuriwake is not found: choose Plugins > nuriwake > Set up"), said
    print(said[0])


def check_refusal(own: dict[str, str], scene: Path, folder: Path) -> None:
    """Expect the program's own line where it refuses something."""
    command = [PROCESS, "run", "nuriwake:segment", "--", f"INPUT={scene}", "CONTINUITY=3"]
    command += [f"OUTPUT={folder}/never.tif"]
    done = subprocess.run(command, env=own, capture_output=True, encoding="utf-8", timeout=300)
    assert done.returncode == 1, done
    assert "is not read by the recipe fast." in done.stderr, done.stderr
    assert not (folder / "never.tif").exists()
    print("what the program refuses comes through as its own line")


if __name__ == "__main__":
    main()
