"""Unpacks parts of zip files: unpack.py TARGET PREFIX[,PREFIX...] ZIP... (setup calls this; pip brought Python anyway).

Entries whose names start with one of the prefixes go below TARGET; `libtorch/` (of the libtorch zip) becomes `torch/`, as
it is called in the wheel. Prints one line of JSON: the names and the requirements of the wheels' metadata.
"""

import json
import os
import shutil
import sys
import zipfile

target, prefixes, archives = sys.argv[1], tuple(p for p in sys.argv[2].split(",") if p), sys.argv[3:]
requirements = []
for archive in archives:
    with zipfile.ZipFile(archive) as content:
        for entry in content.infolist():
            name = entry.filename
            if name.endswith(".dist-info/METADATA"):
                text = content.read(entry).decode("utf-8", "replace").split("\n\n")[0]
                requirements += [l[15:].strip() for l in text.splitlines() if l.startswith("Requires-Dist: ")]
            if name.startswith("libtorch/"):
                name = "torch/" + name[len("libtorch/") :]
            if entry.is_dir() or not name.startswith(prefixes) or ".." in name.split("/"):
                continue
            path = os.path.join(target, *name.split("/"))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with content.open(entry) as source, open(path, "wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
print(json.dumps({"requirements": requirements}))
