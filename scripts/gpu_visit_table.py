"""visit.json -> visit.md: what was measured, what failed, and what 1000 images x 50 epochs would take."""

# Operations (multiplications and additions) of an image through SAM's encoder, and of a step of one image with three joint points, in
# GFLOP, as lib/tasks/bench/work.ts counts them; test/scripts/gpu-visit.test.ts compares.
ENCODER_GFLOP = {"ViT-B": 972.1, "ViT-L": 2985.7, "ViT-H": 5961.1}
STEP_GFLOP = 10.1
T4_TFLOPS = 65  # fp16, of its data sheet
IMAGES, EPOCHS, BATCH = 1000, 50, 4
SIZES = ("ViT-B", "ViT-L", "ViT-H")
TYPES = ("fp32", "bf16", "fp16")

REHEARSAL = """> **A rehearsal on a CPU.** It shows that every stage runs to its end. Sizes are smaller (ViT-B alone, steps of 4, two images, one
> round), part of the checks is left to the tests, and no figure below says anything about a GPU.
"""


def table(head, rows):
    if not rows:
        return "Nothing yet.\n"
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]) + "\n"


def number(value, digits=3):
    return "-" if value is None else f"{value:.{digits}g}" if abs(value) < 1000 else f"{value:.0f}"


def ratio(theirs, ours):
    return "-" if theirs is None or not ours else f"{theirs / ours:.2f}"


def code(words):
    return "" if not words else "`" + str(words).replace("|", "/").replace("`", "'").replace("\n", " ")[:400] + "`"


def merged(record, kind, ending=""):
    """{name: value} of all results: ours, or those of transformers."""
    found = {}
    for stage, result in record["results"].items():
        if isinstance(result, dict) and stage.startswith("transformers") == (ending == "transformers"):
            found.update(result.get(kind, {}))
    return found


class Figures:
    def __init__(self, record):
        self.ours, self.theirs = merged(record, "timings"), merged(record, "timings", "transformers")
        self.measures = {name: one["value"] for name, one in merged(record, "measures").items()}
        self.errors = merged(record, "errors", "transformers")

    def best_of_theirs(self, pattern):
        """Their fastest type: (ms, type); `pattern` has {} where the type is."""
        found = [(self.theirs[pattern.format(t)], t) for t in TYPES if pattern.format(t) in self.theirs]
        return min(found, default=(None, None))

    def beside(self, pattern):
        """Rows of our types with theirs of the same type and their best."""
        best, best_type = self.best_of_theirs(pattern)
        for t in TYPES:
            if (ours := self.ours.get(pattern.format(t))) is not None:
                yield t, ours, self.theirs.get(pattern.format(t)), best, best_type


def machine_part(record):
    machine = record["results"].get("machine", {})
    facts = merged(record, "facts")
    shown = {key: facts.get(key) for key in ("card", "capability", "driver", "cudnn", "cuda-runtime", "cudnn-attention", "libtorch", "threads")}
    rows = [(key, code(value)) for key, value in {**machine, **shown}.items() if value]
    return "## Machine\n\n" + table(("", ""), rows)


def summary_part(record, figures):
    """What a reader wants first: what failed, and the two goals."""
    lines = []
    bad = [s["name"] for s in record["stages"] if s["status"] in ("failed", "timeout")]
    left_out = [s["name"] for s in record["stages"] if s["status"] == "skipped"]
    lines.append(f"Stages: {len(record['stages'])}; failed or stopped: {', '.join(bad) or 'none'}; left out: {', '.join(left_out) or 'none'}.")
    failed = sorted({c["name"] for r in record["results"].values() if isinstance(r, dict) for c in r.get("checks", []) if not c["ok"] and c.get("fatal", True)})
    lines.append(f"Checks that fail: {', '.join(failed) or 'none'}.")
    reached = [(share(figures, "ViT-B", t, ms), t) for t in ("bf16", "fp16") if (ms := figures.ours.get(f"encoding/ViT-B/{t}/1")) and share(figures, "ViT-B", t, ms)]
    if reached:
        best, dtype = max(reached)
        lines.append(f"ViT-B's encoder reaches {best:.0%} of the products' rate in {dtype} (goal on an H100: 60 % in bf16).")
    for size, whose, total, _ in projections(figures):
        if size == "ViT-B" and total is not None:
            lines.append(f"1000 images x 50 epochs with ViT-B, {whose}: {total / 60:.1f} min" + (" (goal on an H100: 3)." if whose.startswith("ours") else "."))
    return "".join(f"- {line}\n" for line in lines)


def stages_part(record):
    rows = [(s["name"], s["status"], s["seconds"], code(s.get("words"))) for s in record["stages"]]
    return "## Stages\n\n" + table(("stage", "", "s", "words"), rows)


def checks_part(record):
    parts = ["## Checks\n"]
    rows, bad = [], []
    for name, result in record["results"].items():
        checks = result.get("checks", []) if isinstance(result, dict) else []
        if not checks:
            continue
        failed = [c for c in checks if not c["ok"]]
        fatal = [c for c in failed if c.get("fatal", True)]
        rows.append((name, len(checks), len(checks) - len(failed), len(fatal), len(failed) - len(fatal)))
        bad += [
            (name, c["name"], "fails" if c.get("fatal", True) else "noted", code(c.get("error") or c.get("words") or f"{c.get('worst')} > {c.get('tolerance')}"))
            for c in failed
        ]
    parts.append(table(("stage", "checks", "hold", "fail", "noted"), rows))
    if bad:
        parts.append(table(("stage", "check", "", "differs by > allowed"), bad))
    nvrtc = record["results"].get("nvrtc")
    if nvrtc:
        parts.append("NVRTC, as the loader looked for it while cuDNN's attention was on:\n\n" + "\n".join(f"    {line}" for line in nvrtc) + "\n")
    return "\n".join(parts)


def kernels_part(record):
    found = [record["results"].get(stage, {}).get("facts", {}) for stage in ("checks", "cudnn-attention")]
    calls = [name for name in {**found[0], **found[1]} if name.startswith("kernels/")]
    if not calls:
        return ""
    words = "`math` is the plain one, in several passes; `none`: our own kernel, as the encoder has on a CPU.\n"
    rows = [(name.removeprefix("kernels/"), *(facts.get(name, "-") for facts in found)) for name in calls]
    return "## Attention kernels\n\n" + words + "\n" + table(("call", "as it runs", "with cuDNN's attention"), rows)


def rates_part(figures):
    rows = [(name, number(value)) for name, value in figures.measures.items() if name.startswith("rates/")]
    return "" if not rows else "## The card's own rates (products TFLOP/s, copies GB/s)\n\n" + table(("", ""), rows)


def share(figures, size, dtype, ms):
    """Of the rate of products that the same machine reached in this type."""
    rate = figures.measures.get(f"rates/products-{dtype}")
    return None if not rate else ENCODER_GFLOP[size] / ms / rate


def encoder_part(figures):
    rows = []
    for size in SIZES:
        for dtype, ours, same, best, best_type in figures.beside(f"encoding/{size}/{{}}/1"):
            four = figures.ours.get(f"encoding/{size}/{dtype}/4")
            reached = share(figures, size, dtype, ours)
            memory = figures.measures.get(f"encoding/{size}/{dtype}/peak-memory")
            rows.append(
                (size, dtype, number(ours), number(four and four / 4), number(ENCODER_GFLOP[size] / ours), "-" if reached is None else f"{reached:.0%}",
                 number(memory or None), number(same), f"{number(best)} {best_type or ''}", ratio(best, ours))
            )  # fmt: skip
    head = ("encoder", "type", "ours, ms", "4 at once, ms each", "TFLOP/s", "of the products' rate", "peak GiB", "transformers, same type", "its best", "best / ours")
    return "## An image through the encoder\n\n" + table(head, rows)


def steps_part(figures):
    rows = []
    for kind in ("joint", "separate"):
        for images in (4, 8, 16):
            for dtype, ours, same, best, best_type in figures.beside(f"decoding/step-{kind}/{{}}/{images}"):
                memory = figures.measures.get(f"decoding/step-{kind}/{dtype}/{images}/peak-memory")
                rows.append((f"step of {images}, {kind}", dtype, number(ours), number(memory or None), number(same), f"{number(best)} {best_type or ''}", ratio(best, ours)))
    for prompts in (1, 64):
        for dtype, ours, same, best, best_type in figures.beside(f"decoding/prompts/{{}}/{prompts}"):
            rows.append((f"{prompts} prompt{'s' * (prompts > 1)}", dtype, number(ours), "-", number(same), f"{number(best)} {best_type or ''}", ratio(best, ours)))
    head = ("", "type", "ours, ms", "peak GiB", "transformers, same type", "its best", "best / ours")
    return "## Steps and prompts on embeddings\n\n" + table(head, rows)


def recipe_part(figures):
    name = "recipe/ViT-B/bf16/"
    images = figures.measures.get(name + "images")
    if images is None:
        return ""
    rows = [
        ("encode all, ours through the store on disk", number(figures.ours.get(name + "encode-all")), number(figures.theirs.get(name + "encode-all"))),
        ("an epoch of training, embeddings kept", number(figures.ours.get(name + "train-epoch")), number(figures.theirs.get(name + "train-epoch"))),
        ("an epoch that encodes in every step (the article's)", "-", number(figures.theirs.get(name + "train-epoch-encoding"))),
        ("an epoch of validation", number(figures.ours.get(name + "validate-epoch")), "-"),
    ]
    return f"## The job on {images:.0f} images, ViT-B, bf16, ms\n\n" + table(("", "ours", "transformers"), rows)


def seconds(encodings, encode_ms, steps, step_ms):
    """encodings x encode_ms + steps x step_ms; None where one is not known."""
    return None if encode_ms is None or step_ms is None else (encodings * encode_ms + steps * step_ms) / 1000


def projections(figures):
    """(encoder, whose, seconds of 1000 x 50, from)."""
    per_epoch = IMAGES // BATCH
    name = "recipe/ViT-B/bf16/"
    images = figures.measures.get(name + "images")
    epoch, encoded = figures.ours.get(name + "train-epoch"), figures.ours.get(name + "encode-all")
    if images and epoch and encoded:
        yield "ViT-B", "ours, whole job", seconds(IMAGES, encoded / images, EPOCHS * IMAGES, epoch / images), "recipe: images through the store, epochs with reading"
    for size in SIZES:
        ours = {t: (figures.ours.get(f"encoding/{size}/{t}/1"), figures.ours.get(f"decoding/step-joint/{t}/{BATCH}")) for t in TYPES}
        known = [(seconds(IMAGES, e, EPOCHS * per_epoch, s), t) for t, (e, s) in ours.items() if e is not None and s is not None]
        if known:
            best, dtype = min(known)
            yield size, "ours, GPU alone", best, f"encoder and steps of {BATCH} in {dtype}"
        encode, etype = figures.best_of_theirs(f"encoding/{size}/{{}}/1")
        step, stype = figures.best_of_theirs(f"decoding/step-joint/{{}}/{BATCH}")
        if encode is not None and step is not None:
            yield size, "transformers, as people run it", seconds(EPOCHS * IMAGES, encode, EPOCHS * per_epoch, step), f"encoder in {etype} on every step, step in {stype}"
            yield size, "transformers, embeddings kept", seconds(IMAGES, encode, EPOCHS * per_epoch, step), "the same, each image encoded once"


def t4_rows(figures):
    """The T4's time, from the share of the products' rate that the encoder reaches here, and this card's step."""
    for size in SIZES:
        for dtype in ("fp16", "bf16"):
            ms, step = figures.ours.get(f"encoding/{size}/{dtype}/1"), figures.ours.get(f"decoding/step-joint/{dtype}/{BATCH}")
            reached = ms and share(figures, size, dtype, ms)
            if not reached or step is None:
                continue
            encode = ENCODER_GFLOP[size] / T4_TFLOPS / reached
            slowest = max(step, BATCH * STEP_GFLOP / T4_TFLOPS / reached)
            total = seconds(IMAGES, encode, EPOCHS * IMAGES // BATCH, slowest)
            yield size, f"{reached:.0%} ({dtype})", number(encode), number(slowest), f"{total / 60:.1f}"
            break


def projection_part(figures, rehearsal):
    rows = [(size, whose, f"{total:.0f}", f"{total / 60:.1f}", source) for size, whose, total, source in projections(figures) if total is not None]
    text = f"""## {IMAGES} images x {EPOCHS} epochs, projected from the parts above

Ours: images x encoder + epochs x steps of {BATCH} x step. Start-up, decoding of files, validation and checkpoints are not in it (nor in transformers').

"""
    text += table(("encoder", "whose", "s", "min", "from"), rows)
    t4 = list(t4_rows(figures))
    if t4:
        text += "\n**In a rehearsal without any meaning:**\n" if rehearsal else ""
        text += f"""
A T4, corrected by this card: its encoder is given the same share of its {T4_TFLOPS} TFLOP/s (fp16, data sheet), its step the longer one of this card's
(bound by launches, that is by the host) and of its arithmetic. A T4 also throttles, and its host has two cores: this is a lower bound.

"""
        text += table(("encoder", "share of the products' rate", "encoder, ms", "step, ms", "1000 x 50, min"), t4)
    return text


def commands_part(record):
    names = ("addon", "doctor", "train", "evaluate", "predict", "bench")
    rows = [(name, record["results"][name]["seconds"], code(" / ".join(record["results"][name]["stdout"].strip().splitlines()[-3:]))) for name in names if name in record["results"]]
    return "" if not rows else "## The package's commands\n\n" + table(("command", "s", "last lines"), rows)


def markdown(record):
    figures = Figures(record)
    card = "a CPU" if record["device"] == "cpu" else merged(record, "facts").get("card", "a GPU")
    parts = [
        f"# A visit to {card}, {record['date'][:10]}, commit {record['commit']}\n",
        REHEARSAL if record["device"] == "cpu" else "",
        summary_part(record, figures),
        stages_part(record),
        machine_part(record),
        checks_part(record),
        kernels_part(record),
        rates_part(figures),
        encoder_part(figures),
        steps_part(figures),
        recipe_part(figures),
        projection_part(figures, record["device"] == "cpu"),
        commands_part(record),
    ]
    if figures.errors:
        parts.append("## What failed in transformers\n\n" + table(("", ""), [(name, code(error)) for name, error in figures.errors.items()]))
    return "\n".join(part for part in parts if part)
