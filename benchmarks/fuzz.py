"""Give nuriwake broken files, odd flags and odd arrays: every one must end in clear lines.

python benchmarks/fuzz.py [--seed 0] [--n 10000] [--jobs 2] [--only INDEX] [--keep DIR]

Each input is made from the seed and its own number, so that one can be run again alone. It is a
finding if a traceback escapes, if it takes longer than 20 seconds, if the memory grows by more than
1 GiB, if a failed input leaves a file behind, or if anything but our own lines is said.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from fuzz_corpus import Seed, corpus
from fuzz_mutations import broken
from fuzz_objects import dressed, odd_array, odd_words, run_object
from fuzz_page import Page, ask

#: Seconds that an input may take, and bytes that it may need on top of the interpreter's own.
MAX_SECONDS = 20
MAX_BYTES = 1 << 30
#: What rasterio 1.4 prints by itself where a message of GDAL's holds the file's broken letters.
RASTERIO_SAYS = "UnicodeDecodeError: 'utf-8' codec"
#: Training is not what is tried here.
QUICK = ("--max-iter", "1", "--n-channels", "4", "--max-labels", "4", "--threads", "1", "--quiet")
ODD_FLAGS = (
    "", "0", "-1", "1", "2", "3", "7", "20", "1e400", "nan", "inf", "-inf", "9" * 400, "9" * 5000,
    "²", "٣", "1_0", "0x10", "1,2", "3,2,1", "auto", "fast", "labels", "regions,overlay",
    "polygons", "labels,labels", "result", "contours", "confidence", "a.png", "x" * 300,
    "/dev/null", ".", "..", "[", "*", "1M", "700M", "9" * 400 + "G", "1G", "2ha", "\ud800",
    "cpu", "cuda", "fine", "None",
)  # fmt: skip
FLAGS = {
    "segment": (
        "--regions", "--detail", "--labels", "--save", "--scribbles", "--model", "--bands",
        "--settings", "--memory", "--workers", "--scheduler", "--seed", "--n-layers",
        "--learning-rate", "--momentum", "--min-labels", "--n-superpixels", "--compactness",
        "--continuity", "--grid-cells", "--edge-sigma", "--altitude", "--speck-size", "--precision",
        "--device", "--recipe", "--adaptation", "--size-power", "-o", "--page", "--plane",
        "--axes", "--channels",
    ),
    "cut": ("--regions", "--detail", "--labels", "--altitude", "--save", "-o"),
    "apply": ("--save", "--bands", "--memory", "--min-area", "--tolerance", "-o", "--page"),
    "evaluate": ("--kind",),
    "bench": ("--split", "--methods", "--limit", "--data", "-o"),
    "fit": ("-m", "--recipe", "--memory", "--bands", "--axes", "--batch-size", "--crop-size"),
}  # fmt: skip


#: Flags without a value, or whose value is seldom odd, in company that nobody thought of.
SWITCHES = (
    (), (), (), ("--volume",), ("--volume", "--spacing", "1,2,nan"), ("--resume",), ("--json",),
    ("--overwrite", "--resume"), ("--keep-partial",), ("--progress", "json"), ("--no-such",),
    ("--save", "coco,labelme,cvat,yolo,imagej,qupath,voc"), ("--save", "labels,regions,result"),
    ("--spacing", "0,0,0"), ("--", "--labels"), ("whole.png",), ("gone.png",), (".",), ("*.png",),
)  # fmt: skip


EXTRA = (
    (), (), ("--save", "labels,regions,polygons"), ("--recipe", "tip2020"), ("--bands", "1"),
    ("--memory", "600M"), ("--regions", "3"), ("--page", "1"), ("--plane", "z=0"),
)  # fmt: skip
#: Names that are no plain files: GDAL's own, addresses, datasets of files.
PLACES = (
    "http://127.0.0.1:9/a.tif", "/vsimem/a.tif", "/vsicurl/http://127.0.0.1:9/a.tif",
    "/vsizip/{f}/a", "/vsigzip/{f}", "/vsitar/{f}/x", "/vsisubfile/10_100,{f}", "NETCDF:{f}:Band1",
    "GTIFF_DIR:2:{f}", "GTIFF_DIR:off:99999:{f}", "HDF5:{f}://red", 'ZARR:"{f}"', "vrt://{f}",
    "vrt://{f}?bands=9", "vrt://{f}?outsize=100000,100000", "vrt://{f}?scale=0,1,nan,inf",
    "DERIVED_SUBDATASET:LOGAMPLITUDE:{f}", "<VRTDataset/>", "WMS:http://127.0.0.1:9/", "{f}::/red",
    "{f}::/0", "{f}::/", "{f}::/../../etc", "{f}::/a/b", "{f}::/soft", "{f}::/circle/0/1/2/0",
    "{f}::/outside", "{f}::all", "{f}::" + "a" * 3000, "file:///etc/passwd", "x://y", ":::", "::/a",
    "data:image/png;base64,AAAA", "PNG:{f}", "DIMAP:{f}", "MEM:::DATAPOINTER=1,PIXELS=9,LINES=9",
    "/proc/self/mem", "/dev/zero", "{f}/", "{f}\0", "~", "-", "--", "{f}" + "/.." * 500,
)  # fmt: skip


#: One server a process.
PAGE = Page()


class Hang(BaseException):
    """The watchdog's call; no handler of errors catches it."""


@dataclass(frozen=True)
class Outcome:
    """What became of one input."""

    index: int
    what: str
    code: int
    seconds: float
    megabytes: int
    finding: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Case:
    """One input: what is run, and what shall hold of what it leaves behind."""

    what: str
    arguments: tuple[str, ...] = ()
    call: Callable[[], int] | None = None
    is_many: bool = False


def write_seed(seed: Seed, path: Path, rng: random.Random, *, harm: bool = True) -> None:
    """Write a seed's files; one of them is broken."""
    victim = rng.randrange(len(seed.files)) if harm else -1
    for k, (name, data, structure) in enumerate(seed.files):
        # A raster and the header beside it differ in the suffix.
        target = path.with_suffix(name) if name in (".envi", ".hdr") else path / name
        target = target if name else path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(broken(rng, data, structure) if k == victim else data)


def make_case(rng: random.Random, seeds: dict[str, list[Seed]], folder: Path) -> Case:
    """Write the files of one input, and choose its command line."""
    kinds = (("picture", 36), ("folder", 5), ("learned", 14), ("truth", 4), ("scribbles", 13),
             ("flags", 15), ("object", 9), ("place", 6), ("page", 6))  # fmt: skip
    kind = rng.choices([k for k, _ in kinds], [w for _, w in kinds])[0]
    out = ("-o", str(folder / "out"))
    whole = folder / "whole.png"
    if kind == "picture":
        seed = rng.choice(seeds["picture"])
        path = folder / seed.name
        write_seed(seed, path, rng)
        path = path.with_suffix(seed.files[0][0]) if seed.name == "a" else path
        extra = rng.choice(EXTRA)
        return Case(f"segment {seed.name}", ("segment", str(path), *out, *QUICK, *extra))
    if kind == "folder":
        for seed in rng.sample(seeds["picture"], 3):
            write_seed(seed, folder / "in" / seed.name, rng, harm=rng.random() < 0.5)
        arguments = ("segment", str(folder / "in"), *out, *QUICK)
        return Case("segment folder", arguments, is_many=True)
    if kind == "object":
        thing, words = dressed(rng, odd_array(rng)), odd_words(rng)
        what = f"object {type(thing).__module__} {words}"[:200]
        return Case(what, call=lambda: run_object(thing, words))
    if kind == "page":
        seed = rng.choice([seed for seed in seeds["picture"] if len(seed.files) == 1])
        _, data, structure = seed.files[0]
        data = broken(rng, data, structure) if rng.random() < 0.8 else data
        small = seeds["picture"][0].files[0][1]
        return Case(f"page {seed.name}", call=lambda: ask(PAGE, rng, small, seed.name, data))
    write_seed(seeds["picture"][0], whole, rng, harm=False)
    if kind == "place":
        seed = rng.choice(seeds["picture"])
        write_seed(seed, folder / seed.name, rng, harm=rng.random() < 0.5)
        place = rng.choice(PLACES).format(f=seed.name)
        arguments = ("segment", place, *out, *QUICK, *rng.choice(EXTRA))
        return Case(f"place {place[:80]}", arguments, is_many=place == "--")
    if kind == "learned":
        return _learned(rng, rng.choice(seeds["learned"]), folder, out)
    if kind == "truth":
        seed = rng.choice(seeds["truth"])
        write_seed(seed, folder / seed.name, rng)
        write_seed(seeds["scribbles"][0], folder / "a.png", rng, harm=False)
        arguments = ("evaluate", str(folder / "a.png"), str(folder / seed.name), "--no-boundaries")
        return Case(f"evaluate {seed.name}", arguments)
    if kind == "scribbles":
        seed = rng.choice(seeds["scribbles"])
        write_seed(seed, folder / seed.name, rng)
        given = ("--scribbles", str(folder / seed.name))
        return Case(f"scribbles {seed.name}", ("segment", str(whole), *out, *QUICK, *given))
    return _flags(rng, seeds, folder, out)


def _learned(rng: random.Random, seed: Seed, folder: Path, out: tuple[str, ...]) -> Case:
    path, whole = folder / seed.name, str(folder / "whole.png")
    write_seed(seed, path, rng)
    match path.suffix:
        case ".safetensors":
            arguments = ("apply", str(path), whole, *out, "--quiet")
            if rng.random() < 0.3:
                arguments = ("segment", whole, *out, "--quiet", "--model", str(path))
        case ".npz":
            save = rng.choice(("regions,overlay", "labels", "contours", "polygons", "confidence"))
            arguments = ("cut", str(path), *out, "--quiet", "--save", save)
            arguments += rng.choice(((), ("--regions", "2"), ("--labels", "2")))
        case _:
            arguments = ("segment", whole, *out, *QUICK, "--settings", str(path))
    return Case(f"{arguments[0]} {seed.name}", arguments)


def _flags(
    rng: random.Random, seeds: dict[str, list[Seed]], folder: Path, out: tuple[str, ...]
) -> Case:
    command = rng.choices(list(FLAGS), [8, 4, 4, 1, 1, 3])[0]
    learned = {seed.name: seed for seed in seeds["learned"]}
    name = {"cut": "fast.result.npz", "apply": "tip2020.safetensors"}.get(command)
    inputs = [str(folder / "whole.png")] if command != "bench" else ["bsds500"]
    if name:
        write_seed(learned[name], folder / name, rng, harm=False)
        inputs = [str(folder / name), *(inputs if command == "apply" else [])]
    elif rng.random() < 0.4:
        seed = rng.choice(seeds["picture"])
        write_seed(seed, folder / seed.name, rng, harm=False)
        inputs = [str(folder / seed.name)] if command != "bench" else inputs
    if command == "evaluate":
        inputs *= 2
    flags: list[str] = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        flags += [rng.choice(FLAGS[command]), rng.choice(ODD_FLAGS)]
    if command in ("segment", "cut", "apply"):
        flags = [*out, *flags, *(QUICK if command == "segment" else ("--quiet",))]
    if command == "fit":
        flags = ["-m", str(folder / "out" / "m.safetensors"), *flags, *QUICK]
    extra = rng.choice(SWITCHES) if command in ("segment", "cut", "apply", "fit") else ()
    is_many = bool(extra) and (extra[0] == "--" or not extra[-1].startswith("-"))
    return Case(f"flags {command}", (command, *inputs, *flags, *extra), is_many=is_many)


def judge(case: Case, code: int, errors: str, folder: Path) -> str:
    """Say what is wrong with how an input went; empty where nothing is."""
    out = folder / "out"
    known = (RASTERIO_SAYS, '{"progress"', "WARNING:  Invalid HTTP request received.")
    lines = [line for line in errors.splitlines() if not line.startswith(known)]
    lines = [line for line in lines if not re.fullmatch(r"\d+ of \d+ inputs done, .*", line)]
    ours = [line for line in lines if line.startswith(("nuriwake: ", "Usage: "))]
    if code not in (0, 1, 2):
        return f"exit code {code}"
    if len(ours) < len(lines):
        foreign = next(line for line in lines if line not in ours)
        return f"not our line: {foreign[:200]}"
    if code and not ours:
        return "failed without a line"
    if len(ours) > 1 and not case.is_many:
        return f"{len(ours)} lines for one input"
    if any(len(line) > 2000 for line in lines):
        return "a line of more than 2000 letters"
    hidden = [path.name for path in folder.rglob(".*.*") if re.search("part|work|lock", path.name)]
    if hidden:
        return f"left behind: {hidden[0]}"
    left = sorted(path.name for path in out.rglob("*")) if out.exists() else []
    if code and left and not case.is_many:
        return f"failed and left {left[0]}"
    return ""


def peak_megabytes() -> int:
    """Return the largest memory since it was last forgotten."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+)", text)[1]) >> 10


def forget_peak() -> int:
    """Begin to count the memory from what is used now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak_megabytes()


def run_case(index: int, seed: int, seeds: dict[str, list[Seed]], folder: Path) -> Outcome:
    """Run one input with everything watched."""
    from nuriwake.faces.cli import run

    rng = random.Random(f"{seed}-{index}")
    case = make_case(rng, seeds, folder)
    log = folder.with_suffix(".log")
    os.chdir(folder)  # an odd -o names a place in it
    before, started = forget_peak(), time.perf_counter()
    finding = detail = ""
    code = -1
    with log.open("w") as stream:
        kept = os.dup(2)
        os.dup2(stream.fileno(), 2)
        signal.setitimer(signal.ITIMER_REAL, MAX_SECONDS)
        try:
            code = case.call() if case.call else run(list(case.arguments))
        except Hang:
            finding, detail = "hang", traceback.format_exc()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is a finding
            finding, detail = f"{type(error).__name__}: {error}"[:300], traceback.format_exc()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
    seconds, grown = time.perf_counter() - started, peak_megabytes() - before
    if not finding:
        finding = judge(case, code, log.read_text(errors="replace"), folder)
    if not finding and grown > MAX_BYTES >> 20:
        finding = f"memory grew by {grown} MB"
    shown = " ".join(part[:80] for part in case.arguments)
    return Outcome(index, case.what, code, seconds, grown, finding, detail or shown)


def warm_up(seeds: dict[str, list[Seed]], root: Path) -> None:
    """Compile what the first run compiles, which is no input's fault."""
    from nuriwake.faces.cli import run

    whole = root / "whole.png"
    write_seed(seeds["picture"][0], whole, random.Random(0), harm=False)
    everything = ("--save", "labels,regions,overlay,contours,confidence,polygons,result")
    if run(["segment", str(whole), "-o", str(root / "warm"), *QUICK, *everything]):
        raise SystemExit("a whole picture cannot be segmented")


def work(options: argparse.Namespace) -> None:
    """Run every k-th input in this process; print a line before and after each."""

    def ring(*_: object) -> None:
        raise Hang

    from nuriwake.faces.cli import quieten_libraries

    quieten_libraries()
    signal.signal(signal.SIGALRM, ring)
    report, errors = (os.fdopen(os.dup(number), "w", buffering=1) for number in (1, 2))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with tempfile.TemporaryDirectory(prefix="nuriwake-fuzz-") as name:
        root = Path(name)
        (root / "seeds").mkdir()
        seeds = corpus(root / "seeds")
        warm_up(seeds, root)
        for index in range(options.start, options.n, options.step):
            print(json.dumps({"begun": index}), file=report)
            folder = root / "case"
            folder.mkdir()
            faulthandler.dump_traceback_later(3 * MAX_SECONDS, exit=True, file=errors)
            outcome = run_case(index, options.seed, seeds, folder)
            faulthandler.cancel_dump_traceback_later()
            os.chdir(root)
            if outcome.finding and options.keep:
                shutil.copytree(folder, options.keep / str(index), dirs_exist_ok=True)
            shutil.rmtree(folder)
            print(json.dumps(asdict(outcome)), file=report)


def gather(options: argparse.Namespace) -> list[Outcome]:
    """Run all inputs in workers; one that dies costs the input that it was at."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(options.jobs) as pool:
        parts = pool.map(lambda start: _follow(options, start), range(options.jobs))
        return sorted((one for part in parts for one in part), key=lambda one: one.index)


def _follow(options: argparse.Namespace, start: int) -> list[Outcome]:
    outcomes: list[Outcome] = []
    while start < options.n:
        command = [
            sys.executable,
            str(Path(__file__).resolve()),
            "--seed",
            str(options.seed),
            "--n",
            str(options.n),
        ]
        command += ["--start", str(start), "--step", str(options.jobs)]
        command += ["--keep", str(options.keep)] if options.keep else []
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        outcomes += [Outcome(**row) for row in rows if "begun" not in row]
        if not rows or "begun" not in rows[-1]:
            if done.returncode:
                raise SystemExit(f"a worker ended with {done.returncode}: {done.stderr[-2000:]}")
            break
        index = rows[-1]["begun"]
        finding = f"the process died ({done.returncode})"
        outcomes.append(Outcome(index, "", -1, 0.0, 0, finding, done.stderr[-2000:]))
        start = index + options.jobs
    return outcomes


def _place(detail: str) -> str:
    """Name the lines of ours that a traceback went through last."""
    lines = re.findall(r'nuriwake/(\w+/\w+\.py)", line (\d+)', detail)
    return " < ".join(f"{path}:{line}" for path, line in reversed(lines[-4:])) or detail


def main() -> None:
    """Fuzz, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", type=int, help="run this input alone, and say how it went")
    parser.add_argument("--keep", type=Path, help="keep the files of findings here")
    parser.add_argument("--start", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--step", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.keep = options.keep and options.keep.resolve()
    if options.only is not None:
        options.start, options.n = options.only, options.only + 1
    if options.start is not None:
        work(options)
        return
    started = time.perf_counter()
    outcomes = gather(options)
    findings = [one for one in outcomes if one.finding]
    for one in findings:
        print(f"{one.index} {one.what}: {one.finding}\n    {_place(one.detail)}")
    slowest = max(outcomes, key=lambda one: one.seconds)
    codes = Counter(one.code for one in outcomes)
    print(
        f"{len(outcomes)} inputs, seed {options.seed}: {len(findings)} findings; exit codes "
        f"{dict(sorted(codes.items()))}; slowest {slowest.index} with "
        f"{slowest.seconds:.1f} s, "
        f"largest growth {max(one.megabytes for one in outcomes)} MB; "
        f"{time.perf_counter() - started:.0f} s"
    )
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()
