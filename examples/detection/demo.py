"""The demo: a detection pipeline run three times, and what the store knows afterwards.

python examples/detection/demo.py [--coco instances.json] [--pages 30] [--folder build/demo]
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cannery import Run, Store, json
from coco import parse
from digits import write_pages
from evaluation import Evaluation
from pipeline import detection
from records import ClassMap

DEFAULT_FOLDER = Path("build/demo")
WIDTH = 78
ALL_PAGES = 30
MOST_CLASSES = 10


def main() -> None:
    options = parse_arguments()
    fresh_folder(options.folder)
    os.environ["CANNERY_STORE"] = str(options.folder / "store")

    title("Input")
    annotations, images = options.coco, None
    if annotations is None:
        annotations = make_pages(options.folder / "dataset", options.pages)
        images = annotations.parent / "pages"
    describe_input(annotations, images)
    print(f"the store is {os.environ['CANNERY_STORE']}, and empty")

    depth, deeper = 4, 8
    title(f"Run 1: nothing is stored yet (max_depth={depth})")
    show_run(lambda: detection(annotations, images, max_depth=depth))
    title("Run 2: the same again")
    show_run(lambda: detection(annotations, images, max_depth=depth))
    title(f"Run 3: one parameter changed (max_depth={deeper})")
    last = show_run(lambda: detection(annotations, images, max_depth=deeper))

    title("What the store knows")
    print(f"ask it yourself after:  export CANNERY_STORE={os.environ['CANNERY_STORE']}")
    show_command("runs")
    show_command("why", str(last.id), "train")
    show_command("artifacts")
    show_command("lineage", "evaluate")

    title(f"Result (max_depth={deeper})")
    class_map = Store().artifact("read_dataset").load().class_map
    show_evaluation(last.output.load(), class_map)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Runs the detection pipeline three times.")
    parser.add_argument("--coco", type=Path, help="a COCO detection file to use instead of digits")
    parser.add_argument("--pages", type=int, default=ALL_PAGES, help="pages of digits to lay out")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="an empty or new one")
    options = parser.parse_args()
    if options.coco and not options.coco.is_file():
        parser.error(f"no such file: {options.coco}")
    if not 1 <= options.pages <= ALL_PAGES:
        parser.error(f"--pages is 1 to {ALL_PAGES}: the scans fill no more")
    return options


def fresh_folder(folder: Path) -> None:
    """Makes sure that the first run is the first. Only the demo's own folder is emptied."""
    if folder == DEFAULT_FOLDER:
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.exists() and any(folder.iterdir()):
        sys.exit(f"{folder} is not empty; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)


def make_pages(folder: Path, pages: int) -> Path:
    print("scikit-learn's scanned handwritten digits, laid out on pages with their boxes")
    return write_pages(folder, pages, seed=0)


def describe_input(annotations: Path, images: Path | None) -> None:
    try:
        with annotations.open("rb") as file:
            records = parse(json.load(file))
    except ValueError as error:
        sys.exit(f"{annotations} cannot be used: {error}")
    crowds = sum(sum(record.detection.iscrowds) for record in records)
    print(f"{annotations}: {annotations.stat().st_size / 1e6:.1f} MB of COCO JSON")
    print(
        f"{len(records)} images, {records.box_count} boxes ({crowds} crowds), "
        f"{len(records.class_map)} classes"
    )
    if images is None:
        print("no images: what is in a box is guessed from its geometry alone")


def show_run(start: Callable[[], Run]) -> Run:
    """Runs a pipeline; says what each step did, and the time of it all."""
    began = time.perf_counter()
    run = start()
    seconds = time.perf_counter() - began
    for name, step in run.steps.items():
        print(f"  {name:<24} {'cached' if step.cached else f'ran {step.duration:9.3f} s'}")
    cached = sum(step.cached for step in run.steps.values())
    print(f"{cached} of {len(run.steps)} steps were cached; {seconds:.3f} s in all")
    return run


def show_command(*arguments: str) -> None:
    """Shows a command and what it prints, as far as the terminal is wide."""
    command = [sys.executable, "-m", "cannery", *arguments]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    columns = shutil.get_terminal_size().columns
    print(f"\n$ cannery {shlex.join(arguments)}")
    for line in printed.splitlines():
        print(line if len(line) <= columns else f"{line[: columns - 1]}…")


def show_evaluation(result: Evaluation, class_map: ClassMap) -> None:
    if not result.boxes:
        print("the images kept for the test have no boxes: nothing to judge the model by")
        return
    rows = sorted(result.per_class(), key=lambda row: -row[2])
    print(f"  {'class':<16} {'right':>5}   boxes")
    for label, right, boxes in rows[:MOST_CLASSES]:
        bar = "#" * round(30 * right / boxes)
        print(f"  {class_map.name(label):<16} {right:>5} of {boxes:<5} {bar}".rstrip())
    if len(rows) > MOST_CLASSES:
        print(f"  ... and {len(rows) - MOST_CLASSES} rarer classes")
    for count, truth, predicted in result.confusions()[:3]:
        print(f"  {count} x {class_map.name(truth)} taken for {class_map.name(predicted)}")
    print(f"\naccuracy {result.accuracy:6.1%} of {result.boxes} boxes on images kept for the test")
    always = class_map.name(result.majority)
    print(f"baseline {result.baseline:6.1%} by always answering `{always}`")


def title(text: str) -> None:
    print(f"\n{text}\n{'-' * WIDTH}", flush=True)


if __name__ == "__main__":
    main()
