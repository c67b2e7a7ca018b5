"""Rasters as GDAL georeferences them, and where PROJ says that their middle lies: test/fixtures/places.json.

    python scripts/make_place_fixtures.py test/fixtures/places.json

Needs rasterio, pyproj and tifffile. Systems with a code and without one, some also with ESRI's text beside the keys (`…, ESRI`).
"""

import json
import os
import sys
import tempfile

import numpy
import pyproj
import rasterio
import tifffile
from rasterio.transform import from_origin

HERE = (-74.3, 45.2)
SIDE = 20  # pixels
TAGS = (33550, 33922, 34735, 34736, 34737)

# name: system, and a place within its reach where that isn't HERE
SYSTEMS = {
    "utm": ("EPSG:32618",),
    "web mercator": ("EPSG:3857",),
    "degrees": ("EPSG:4326",),
    "degrees, NAD 83": ("EPSG:4269",),
    "degrees with heights": ("EPSG:4979",),
    "grads from Paris": ("EPSG:4807", (3, 47)),
    "utm with heights": ("EPSG:32618+5773",),
    "new york in feet": ("EPSG:2263", (-74, 40.7)),
    "antarctic": ("EPSG:3031", (30, -75)),
    "arctic": ("EPSG:3413", (-40, 75)),
    "arctic 3995": ("EPSG:3995", (-40, 75)),
    "sea ice, south": ("EPSG:3976", (30, -75)),
    "polar grid, south": ("EPSG:32761", (20, -85)),
    "south africa": ("EPSG:2048", (19.2, -32)),
    "namibia": ("EPSG:29373", (13, -21)),
    "alaska": ("EPSG:26931", (-135, 57)),
    "michigan": ("EPSG:3078", (-85, 44)),
    "switzerland": ("EPSG:2056", (8, 47)),
    "krovak": ("EPSG:5513", (15, 50)),
    "krovak, east and north": ("EPSG:5514", (15, 50)),
    "ease grid 2": ("EPSG:6933",),
    "india in yards": ("EPSG:24372", (74, 26)),
    "britain": ("EPSG:27700", (-3, 55)),
    "europe": ("EPSG:3035", (10, 50)),
    "mollweide 54009": ("ESRI:54009",),
    "albers 102003": ("ESRI:102003",),
    "own tmerc": ("+proj=tmerc +lat_0=10 +lon_0=-75 +k=0.9998 +x_0=200000 +y_0=100000 +datum=WGS84",),
    "own utm": ("+proj=utm +zone=18 +ellps=GRS80",),
    "own merc": ("+proj=merc +lon_0=-75 +k=0.997 +x_0=100 +y_0=5 +datum=WGS84",),
    "own merc with parallel": ("+proj=merc +lon_0=-75 +lat_ts=30 +datum=WGS84",),
    "own web mercator": ("+proj=merc +a=6378137 +b=6378137 +nadgrids=@null +no_defs",),
    "own lcc": ("+proj=lcc +lat_1=33 +lat_2=45 +lat_0=39 +lon_0=-76 +x_0=1000 +y_0=2000 +datum=NAD83",),
    "own aea": ("+proj=aea +lat_1=29.5 +lat_2=45.5 +lat_0=23 +lon_0=-96 +datum=NAD83",),
    "own laea": ("+proj=laea +lat_0=52 +lon_0=-70 +x_0=4321000 +y_0=3210000 +ellps=GRS80",),
    "own stere, south": ("+proj=stere +lat_0=-90 +lat_ts=-71 +lon_0=10 +datum=WGS84", (30, -75)),
    "own stere, north": ("+proj=stere +lat_0=90 +lat_ts=70 +lon_0=-45 +datum=WGS84", (-40, 75)),
    "own stere, scale": ("+proj=stere +lat_0=90 +k=0.994 +lon_0=0 +x_0=2000000 +y_0=2000000 +datum=WGS84", (10, 80)),
    "own sterea": ("+proj=sterea +lat_0=46 +lon_0=-66 +k=0.999912 +x_0=2500000 +y_0=7500000 +ellps=GRS80",),
    "own omerc": ("+proj=omerc +no_uoff +lat_0=45 +lonc=-75 +alpha=30 +gamma=30 +k=0.9996 +datum=WGS84",),
    "own eqc": ("+proj=eqc +lat_ts=30 +lon_0=-75 +datum=WGS84",),
    "own mill": ("+proj=mill +lon_0=-75 +datum=WGS84",),
    "own sinu on a sphere": ("+proj=sinu +lon_0=0 +R=6371007.181",),
    "own cea": ("+proj=cea +lat_ts=30 +lon_0=0 +datum=WGS84",),
    "own feet": ("+proj=tmerc +lat_0=40 +lon_0=-75 +k=0.9999 +x_0=200000 +y_0=0 +datum=NAD83 +units=us-ft",),
    "own moll": ("+proj=moll +lon_0=0 +datum=WGS84",),
    "own eqearth": ("+proj=eqearth +lon_0=0 +datum=WGS84",),
    "own geos": ("+proj=geos +h=35785831 +lon_0=-75 +sweep=y +datum=WGS84",),
    "own degrees on a sphere": ("+proj=longlat +R=6371000",),
}
WITH_ESRI = (
    "own merc with parallel",
    "own stere, north",
    "own eqc",
    "own mill",
    "own omerc",
    "own eqearth",
    "own aea",
    "own web mercator",
)


def described(system, place, flavour):
    crs = pyproj.CRS.from_user_input(system)
    there = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True, allow_ballpark=True).transform(*place)
    pixel = 0.001 if crs.is_geographic else 10
    corner = (there[0] - SIDE / 2 * pixel, there[1] + SIDE / 2 * pixel)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.tif")
        profile = dict(
            driver="GTiff",
            width=SIDE,
            height=SIDE,
            count=1,
            dtype="uint8",
            crs=rasterio.crs.CRS.from_user_input(system),
        )
        with rasterio.open(
            path, "w", transform=from_origin(*corner, pixel, pixel), GEOTIFF_KEYS_FLAVOR=flavour, **profile
        ) as raster:
            raster.write(numpy.ones((1, SIDE, SIDE), "uint8"))
        with tifffile.TiffFile(path) as tiff:
            tags = {code: tiff.pages[0].tags[code].value for code in TAGS if code in tiff.pages[0].tags}
    return {
        "tags": {code: value if isinstance(value, str) else list(value) for code, value in tags.items()},
        "place": place,
    }


fixtures = {
    name: described(system, place[0] if place else HERE, "STANDARD") for name, (system, *place) in SYSTEMS.items()
}
for name in WITH_ESRI:
    system, *place = SYSTEMS[name]
    fixtures[name + ", ESRI"] = described(system, place[0] if place else HERE, "ESRI_PE")
with open(sys.argv[1], "w") as file:
    file.write("{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(one)}" for name, one in fixtures.items()) + "\n}\n")
