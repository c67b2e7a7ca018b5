"""The stages of scripts/gpu-visit.sh. Each has its time and may fail: what is known is written after each, and the visit goes on."""

import argparse
import datetime
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import gpu_visit_table

ROOT = Path(__file__).resolve().parent.parent
REHEARSAL_PATIENCE = 8  # a CPU, which others may share, gets so many times the time of a stage
TAIL = 1500  # characters of a failed program's words that are kept


class Failed(Exception):
    """A stage's end in one line; `words` are the program's last ones."""

    def __init__(self, line, words=""):
        super().__init__(line)
        self.words = words[-TAIL:]


class Skipped(Exception):
    """A stage that has nothing to do here, and why."""


class OutOfTime(Failed):
    """A program that was stopped; `stdout` and `stderr` are what it had said."""

    def __init__(self, seconds, stdout, stderr):
        super().__init__(f"stopped after {seconds:.0f} s", stderr)
        self.stdout, self.stderr = stdout, stderr


def run(command, seconds, env=None, cwd=ROOT):
    """-> exit status, stdout, stderr. The program and all that it started end when its time does."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:

        def said():
            out.seek(0), err.seek(0)
            return out.read(), err.read()

        settings = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ, **(env or {})}  # threads that wait must not spin
        process = subprocess.Popen(
            [str(part) for part in command], stdout=out, stderr=err, env=settings, cwd=cwd, start_new_session=True
        )
        try:
            status = process.wait(timeout=max(1, seconds))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise OutOfTime(seconds, *said()) from None
        return status, *said()


class Visit:
    """The stages done so far, in visit.json and visit.md."""

    def __init__(self, out, budget, **about):
        self.out, self.end = out, time.monotonic() + budget
        self.record = {**about, "budget": budget, "stages": [], "results": {}}
        out.mkdir(parents=True, exist_ok=True)

    def left(self):
        return self.end - time.monotonic()

    def stage(self, name, limit, work):
        """`work` gets the seconds that it may take, and gives what is kept as its result."""
        print(f"=== {name} ({self.left():.0f} s left)", file=sys.stderr, flush=True)
        started, stage = time.monotonic(), {"name": name, "status": "ok"}
        try:
            if self.left() < 5:
                raise Skipped("the budget is used up")
            self.record["results"][name] = work(min(limit, self.left()))
        except Skipped as reason:
            stage.update(status="skipped", words=str(reason))
        except OutOfTime as error:
            stage.update(status="timeout", words=str(error), output=error.words)
        except Failed as error:
            stage.update(status="failed", words=str(error), output=error.words)
        except Exception as error:  # noqa: BLE001: the next stage follows whatever it is
            stage.update(status="failed", words=f"{type(error).__name__}: {error}")
        stage["seconds"] = round(time.monotonic() - started, 1)
        print(f"    {stage['status']} {stage.get('words', '')}", file=sys.stderr, flush=True)
        self.record["stages"].append(stage)
        self.write()

    def keep(self, name, result):
        """For what a stage learned before it failed."""
        self.record["results"][name] = result

    def write(self):
        for name, text in (
            ("visit.json", json.dumps(self.record, indent=1) + "\n"),
            ("visit.md", gpu_visit_table.markdown(self.record)),
        ):
            unfinished = self.out / f".{name}"
            unfinished.write_text(text)
            unfinished.replace(self.out / name)


# --- What programs say ------------------------------------------------------------------------------------------


def parse_lines(text):
    """What sam_core_test had found when it was stopped, from its readable lines."""
    found = {"unfinished": True, "checks": [], "timings": {}, "measures": {}, "facts": {}}
    for line in text.splitlines():
        if match := re.match(r"(ok|FAIL|note) +(\S+) +(.*)", line):
            verdict, name, words = match.groups()
            found["checks"].append({"name": name, "ok": verdict == "ok", "fatal": verdict == "FAIL", "words": words})
        elif match := re.match(r"time +(\S+) +(\S+) ms", line):
            found["timings"][match[1]] = float(match[2])
        elif match := re.match(r"rate +(\S+) +(\S+) (.*)", line):
            found["measures"][match[1]] = {"value": float(match[2]), "unit": match[3]}
        elif match := re.match(r"fact +(\S+) +(.*)", line):
            found["facts"][match[1]] = match[2]
    return found


def parse_figures(text):
    """The lines of gpu_visit_transformers.py."""
    timings, errors, versions = {}, {}, {}
    for line in text.splitlines():
        if not line.startswith("{"):
            continue
        figure = json.loads(line)
        if figure["name"] == "versions":
            versions = figure
        elif "error" in figure:
            errors[figure["name"]] = figure["error"]
        else:
            timings[figure["name"]] = figure["ms"]
    return {"timings": timings, "errors": errors, "versions": versions}


def first_line(command):
    """Of what a program prints; None where there is no such program or it fails."""
    try:
        status, stdout, _ = run(command, 20)
    except (OSError, OutOfTime):
        return None
    return stdout.strip().splitlines()[0] if status == 0 and stdout.strip() else None


def torch_folder():
    """Of this Python's torch; None where it has none."""
    return first_line([sys.executable, "-c", "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"])


# --- First stage: the core, without Node ------------------------------------------------------------------------


class Core:
    def __init__(self, visit, options):
        self.visit, self.device, self.rehearsal = visit, options.device, options.device == "cpu"
        self.build_folder = ROOT / "build" / "gpu-visit"
        self.program = self.build_folder / "Release" / "sam_core_test"
        self.jobs = len(os.sched_getaffinity(0))

    def machine(self, _seconds):
        query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total,compute_cap,power.limit", "--format=csv,noheader"]
        model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        return {
            "gpu": first_line(query),
            "processor": model[0].split(":")[1].strip() if model else None,
            "cores": self.jobs,
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "kernel": os.uname().release,
            "python": sys.version.split()[0],
            "torch": first_line([sys.executable, "-c", "import torch; print(torch.__version__)"]),
            "compiler": first_line(["c++", "--version"]),
            "cmake": first_line(["cmake", "--version"]),
            "node": first_line(["node", "--version"]),
            "sanitizer": shutil.which("compute-sanitizer"),
            "library_path": os.environ.get("LD_LIBRARY_PATH"),
        }

    def build(self, seconds):
        torch = torch_folder()
        if torch is None:
            raise Failed("this Python has no torch")
        end = time.monotonic() + seconds
        configure = ["cmake", "-G", "Ninja", "-B", self.build_folder, f"-DLIBTORCH={torch}", "-DSAM_ADDON=OFF"]
        for command in (configure, ["cmake", "--build", self.build_folder, "--parallel", self.jobs]):
            status, stdout, stderr = run(command, end - time.monotonic())
            if status != 0:
                errors = [line for line in (stdout + stderr).splitlines() if re.search(r"\berror:|CMake Error", line)]
                raise Failed(errors[0] if errors else f"{command[0]} ends with {status}", stdout + stderr)
        return {"libtorch": torch}

    def run_program(self, name, *arguments, prefix=(), env=None):
        """A stage that runs sam_core_test; failed checks fail it, and what was found is kept."""

        def work(seconds):
            if not self.program.exists():
                raise Skipped("the core did not build")
            # As at a user's: nothing but the program's own loader finds CUDA's libraries.
            command = [*prefix, "env", "-u", "LD_LIBRARY_PATH", self.program, "--device", self.device, "--json", *arguments]
            try:
                status, stdout, stderr = run(command, seconds, env)
            except OutOfTime as late:
                self.visit.keep(name, parse_lines(late.stderr))
                raise
            finally_json = stdout.strip().splitlines()[-1:] or [""]
            try:
                result = json.loads(finally_json[0])
            except ValueError:
                self.visit.keep(name, parse_lines(stderr))
                raise Failed(f"sam_core_test ends with {status}: {(stderr.strip().splitlines() or ['no word'])[-1]}", stderr) from None
            if status != 0:
                self.visit.keep(name, result)
                failed = [check["name"] for check in result["checks"] if not check["ok"] and check["fatal"]]
                raise Failed(f"{len(failed)} checks failed: {', '.join(failed[:5])}", stderr)
            return result

        return work

    def cudnn(self, seconds):
        """cuDNN's attention left on, and which NVRTC the loader found for it."""
        if not self.program.exists():
            raise Skipped("the core did not build")
        with tempfile.TemporaryDirectory() as folder:
            log = {"LD_DEBUG": "libs", "LD_DEBUG_OUTPUT": f"{folder}/ld"}
            work = self.run_program("cudnn-attention", "--cudnn-attention", "--only", "decoder,updates,kernels", env=log)
            try:
                return work(seconds)
            finally:
                lines = {
                    line.split(":", 1)[1].strip()
                    for file in Path(folder).iterdir()
                    for line in file.read_text(errors="replace").splitlines()
                    if "nvrtc" in line and ":" in line
                }
                self.visit.keep("nvrtc", sorted(lines)[:40])

    def sanitizer(self, seconds):
        found = shutil.which("compute-sanitizer")
        if found is None and not self.rehearsal:
            raise Skipped("there is no compute-sanitizer")
        prefix = [] if found is None or self.rehearsal else [found, "--error-exitcode", "9", "--print-limit", "5"]
        return self.run_program("sanitizer", "--only", "softmax", prefix=prefix)(seconds)

    def transformers(self, name, *arguments):
        def work(seconds):
            command = [sys.executable, "scripts/gpu_visit_transformers.py", "--device", self.device, *arguments]
            try:
                status, stdout, stderr = run(command, seconds)
            except OutOfTime as late:
                self.visit.keep(name, parse_figures(late.stdout))
                raise
            result = parse_figures(stdout)
            if status != 0:
                self.visit.keep(name, result)
                raise Failed(f"ends with {status}: {(stderr.strip().splitlines() or ['no word'])[-1]}", stderr)
            return result

        return work

    def stages(self):
        images = "2" if self.rehearsal else "64"
        # On a CPU the checks that its own tests run every day, in part, are enough of a rehearsal.
        part = ["--only", "device,losses,updates,moves,softmax,kernels,half,cache,threads,prediction,memory,other-gpu,timings"]
        size = lambda name: ["--sizes", name]
        small = ["--images", images, "--rounds", "1" if self.rehearsal else "10"]
        yield "machine", 30, self.machine
        yield "build", 240, self.build
        yield "checks", 150, self.run_program("checks", *(part if self.rehearsal else []))
        yield "cudnn-attention", 90, self.cudnn
        yield "rates", 40, self.run_program("rates", "--only", "rates")
        yield "decoding", 90, self.run_program("decoding", "--only", "decoding")
        yield "encoding-ViT-B", 60, self.run_program("encoding-ViT-B", "--only", "encoding", *size("ViT-B"))
        yield "recipe-ViT-B", 60, self.run_program("recipe-ViT-B", "--only", "recipe", *size("ViT-B"), "--images", images)
        yield "transformers-ViT-B", 120, self.transformers("transformers-ViT-B", *size("ViT-B"), *small)
        for name in () if self.rehearsal else ("ViT-L", "ViT-H"):
            yield f"encoding-{name}", 90, self.run_program(f"encoding-{name}", "--only", "encoding", *size(name))
            yield f"transformers-{name}", 60, self.transformers(f"transformers-{name}", *size(name), *small)
        yield "sanitizer", 90, self.sanitizer


# --- Second stage: the addon and the commands, with the Node that scripts/pack-visit.mjs packed ---------------------


class Package:
    """visit.tar.xz of pack-visit.mjs: Node, the package among its node_modules, weights and images."""

    def __init__(self, visit, options):
        self.visit, self.device, self.archive = visit, options.device, options.pack / "visit.tar.xz"
        self.rehearsal = options.device == "cpu"
        self.folder = Path(tempfile.mkdtemp(prefix="sam-visit-"))
        self.env = {"SAM_NATIVE_CACHE": str(self.folder / "cache"), "PATH": f"{self.folder / 'visit'}:{os.environ['PATH']}"}

    def unpack(self, seconds):
        if not self.archive.exists():
            raise Skipped(f"{self.archive} is not there: scripts/pack-visit.mjs makes it")
        status, _, stderr = run(["tar", "-xJf", self.archive, "-C", self.folder], seconds)
        if status != 0:
            raise Failed(f"tar ends with {status}", stderr)
        self.store_weights()
        return {"node": first_line([self.folder / "visit" / "node", "--version"])}

    def store_weights(self):
        """Where `mobile-sam` looks for them first: in the cache."""
        weights = self.folder / "visit" / "mobile_sam.safetensors"
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        place = Path(self.env["SAM_NATIVE_CACHE"]) / "models" / f"mobile-sam-{digest[:16]}"
        place.mkdir(parents=True)
        weights.rename(place / weights.name)
        (place / "about.json").write_text(json.dumps({"weightsHash": digest, "source": "visit"}))

    def command(self, *arguments):
        def work(seconds):
            visit = self.folder / "visit"
            if not (visit / "node").exists():
                raise Skipped("nothing was unpacked")
            main = visit / "node_modules" / "sam-native" / "dist" / "cli" / "main.js"
            started = time.monotonic()
            env = {**self.env, "LD_LIBRARY_PATH": ""}
            status, stdout, stderr = run([visit / "node", main, *arguments], seconds, env, cwd=visit)
            if status != 0:
                wrong = [line for line in (stdout + stderr).splitlines() if re.match(r"(error|MISSING)", line.strip())]
                raise Failed(wrong[0] if wrong else f"ends with {status}", stdout + stderr)
            return {"seconds": round(time.monotonic() - started, 1), "stdout": stdout[-3000:], "stderr": stderr[-TAIL:]}

        return work

    def setup(self, seconds):
        return self.command("setup", "--yes", "--libtorch", str(torch_folder()))(seconds)

    def stages(self):
        device = ["--device", self.device]
        epochs = "1" if self.rehearsal else "3"
        yield "unpack", 60, self.unpack
        yield "addon", 240, self.setup
        yield "doctor", 60, self.command("doctor")
        data = ["--data", "river"]
        yield "train", 120, self.command("train", *data, *device, "--epochs", epochs, "--out", "run", "--batch-size", "2")
        yield "evaluate", 90, self.command("evaluate", "--models", "untuned,run", *data, *device)
        yield "predict", 90, self.command("predict", "river/validation/images", "--model", "run", *device, "--out", "masks")
        if not self.rehearsal:
            yield "bench", 120, self.command("bench", *device, "--quick", "--sizes", "base,large")


def main():
    parser = argparse.ArgumentParser(description="A visit to a machine with a GPU: docs/gpu-visit.md.")
    parser.add_argument("--device", choices=["cuda", "cpu"], default=os.environ.get("SAM_TEST_DEVICE", "cuda"), help="cpu: a rehearsal")
    parser.add_argument("--budget", type=float, default=540, help="seconds in all [540]")
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("OUT") or ROOT / "build" / "visit-out"), help="[$OUT]")
    parser.add_argument("--pack", type=Path, default=ROOT / "build" / "visit", help="folder of scripts/pack-visit.mjs [build/visit]")
    parser.add_argument("--only", help="stages, e.g. machine,build,checks [all]")
    options = parser.parse_args()
    commit = first_line(["git", "-c", f"safe.directory={ROOT}", "rev-parse", "--short", "HEAD"])
    visit = Visit(
        options.out.resolve(),
        options.budget,
        date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        commit=commit or "unknown",
        device=options.device,
    )
    wanted = None if options.only is None else set(options.only.split(","))
    package = Package(visit, options)
    try:
        stages = [*Core(visit, options).stages(), *package.stages()]
        unknown = (wanted or set()) - {name for name, *_ in stages}
        if unknown:
            parser.error(f"no stage {', '.join(sorted(unknown))}: there are {', '.join(name for name, *_ in stages)}")
        for name, limit, work in stages:
            if wanted is None or name in wanted:
                visit.stage(name, limit * (REHEARSAL_PATIENCE if options.device == "cpu" else 1), work)
    finally:
        shutil.rmtree(package.folder, ignore_errors=True)
    print(f"{visit.out}/visit.md", file=sys.stderr)
    bad = [stage["name"] for stage in visit.record["stages"] if stage["status"] in ("failed", "timeout")]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
