"""
A GeoTIFF, and polygons of it
=============================

*Learn: nodata, reference system and place on the ground go through.*

The scene is made here: four bands, a river, three fields, and a corner without data.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pyogrio
import rasterio
import shapely
from rasterio.transform import from_origin

folder = Path(tempfile.mkdtemp())
generator = np.random.default_rng(0)
rows, cols = np.mgrid[:200, :300]
field = np.where(cols < 110, 0, np.where(rows < 90, 1, 2))
field[np.abs(rows - 100 - 30 * np.sin(cols / 40)) < 9] = 3
colours = np.array([[60, 90, 50, 180], [110, 100, 60, 120], [80, 120, 70, 220], [40, 60, 80, 20]])
scene = np.clip(colours[field] + generator.normal(0, 6, (200, 300, 4)), 1, 255).astype(np.uint8)
scene[rows + cols < 60] = 0

place = {"crs": "EPSG:32654", "transform": from_origin(380000, 3950000, 10, 10), "nodata": 0}
size = {"height": 200, "width": 300, "count": 4, "dtype": "uint8"}
# Else GDAL takes the fourth of four bands of bytes for alpha.
place["photometric"] = "minisblack"
with rasterio.open(folder / "scene.tif", "w", driver="GTiff", **size, **place) as file:
    file.write(np.moveaxis(scene, 2, 0))

# %%
# The command line writes the label map as a GeoTIFF and its regions as polygons.

command = ["segment", "scene.tif", "--regions", "6", "--save", "regions,polygons"]
done = subprocess.run(
    [sys.executable, "-m", "nuriwake", *command],
    cwd=folder,
    capture_output=True,
    text=True,
    check=True,
)
print(done.stderr)

# %%
information, _, geometry, attributes = pyogrio.raw.read(folder / "scene.polygons.gpkg")
polygons = shapely.from_wkb(geometry)
print(information["crs"], [f"{area / 1e4:.0f} ha" for area in shapely.area(polygons)])

_, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
left.imshow(scene[..., :3])
left.set_axis_off()
for polygon in polygons:
    for part in shapely.get_parts(polygon):
        right.fill(*part.exterior.xy, alpha=0.5, edgecolor="black")
right.set_aspect("equal")
right.ticklabel_format(useOffset=False, style="plain")
right.tick_params(labelsize=6)
