#!/usr/bin/env python3
"""Fine-tune a small BERT to tell a Debian package's section from its description.

An ordinary PyTorch script: it reads a Hugging Face folder, trains, prints, writes a
Hugging Face folder. The data is what `apt-cache dumpavail` prints here.
"""

import argparse
import collections
import fnmatch
import hashlib
import os
import subprocess
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging

TOKENS = 32  # a description is one line; longer ones are cut


def parse_arguments():
    env = os.environ.get
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default=env("REGISTRY_BASE_DIR"), help="folder to start from")
    parser.add_argument("--output", default=env("REGISTRY_OUTPUT_DIR"), help="folder to write")
    parser.add_argument("--lr", type=float, default=5e-5)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument(
        "--freeze",
        action="append",
        metavar="GLOB",
        help="parameters of the base that must not change; may be repeated",
    )
    parser.add_argument("--evaluate-every", type=int, default=100, metavar="STEPS")
    parser.add_argument("--evaluate-on", type=int, default=2000, metavar="PACKAGES")
    parser.add_argument("--classes", type=int, default=30)
    parser.add_argument("--seed", type=int, default=int(env("REGISTRY_SEED") or 1))
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    if not arguments.base or not arguments.output:
        parser.error("--base and --output are needed (or REGISTRY_BASE_DIR, REGISTRY_OUTPUT_DIR)")
    if arguments.freeze is None:
        arguments.freeze = [line for line in env("REGISTRY_FREEZE", "").splitlines() if line]
    return arguments


def read_packages():
    """Returns {package: (description, section)}, by name; sections without their area."""
    command = ["apt-cache", "dumpavail"]
    text = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    packages = {}
    for stanza in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line)
        description = fields.get("Description") or fields.get("Description-en")
        if description and "Package" in fields and "Section" in fields:
            packages[fields["Package"]] = (description, fields["Section"].split("/")[-1])
    return dict(sorted(packages.items()))


def split(packages, classes):
    """Returns the labels by frequency, and (description, label index) to train and to validate."""
    counts = collections.Counter(section for _, section in packages.values())
    labels = sorted(counts, key=lambda section: (-counts[section], section))[:classes]
    train, held_out = [], []
    for name, (description, section) in packages.items():
        if section in labels:
            # By name, not by position: the split stays when packages come and go.
            validates = hashlib.sha256(name.encode()).digest()[0] < 26
            (held_out if validates else train).append((description, labels.index(section)))
    # Packages of one source often share a line; a line that was trained on measures nothing.
    seen = {description for description, _ in train}
    return labels, train, [row for row in held_out if row[0] not in seen]


def freeze(model, globs):
    """Switches off the gradients of what the globs name, with or without the class's prefix."""
    prefix = model.base_model_prefix + "."
    used = set()
    for name, parameter in model.named_parameters():
        for glob in globs:
            if any(fnmatch.fnmatchcase(n, glob) for n in (name, name.removeprefix(prefix))):
                parameter.requires_grad = False
                used.add(glob)
    unused = [glob for glob in globs if glob not in used]
    if unused:
        sys.exit("no parameter matches " + ", ".join(unused))


@torch.no_grad()
def evaluate(model, encode, rows, classes):
    model.eval()
    loss, confusion = 0.0, torch.zeros(classes, classes)
    for start in range(0, len(rows), 250):
        inputs, labels = encode(rows[start : start + 250])
        result = model(**inputs, labels=labels)
        loss += result.loss.item() * len(labels)
        for label, guess in zip(labels, result.logits.argmax(-1)):
            confusion[label, guess] += 1
    model.train()
    hits, real, guessed = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    f1 = (2 * hits / (real + guessed).clamp(min=1))[real > 0].mean()
    return loss / len(rows), hits.sum().item() / len(rows), f1.item()


def main():
    arguments = parse_arguments()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(arguments.threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(arguments.seed)

    labels, train, validation = split(read_packages(), arguments.classes)
    order = torch.Generator().manual_seed(0)  # the same rows for every seed, so runs compare
    chosen = torch.randperm(len(validation), generator=order)[: arguments.evaluate_on]
    print(f"{len(train)} packages to train on, {len(validation)} held out, {len(labels)} sections")
    validation = [validation[i] for i in chosen.tolist()]
    validation.sort(key=lambda row: len(row[0]))  # lines of like length need little padding

    tokenizer = AutoTokenizer.from_pretrained(arguments.base)
    model = AutoModelForSequenceClassification.from_pretrained(
        arguments.base,
        dtype=torch.float32,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
    )
    freeze(model, arguments.freeze)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    count = sum(parameter.numel() for parameter in trained)
    print(f"{count} of {model.num_parameters()} parameters are trained")

    def encode(rows):
        texts, indices = [text for text, _ in rows], [index for _, index in rows]
        options = dict(padding=True, truncation=True, max_length=TOKENS, return_tensors="pt")
        return tokenizer(texts, **options), torch.tensor(indices)

    optimizer = torch.optim.AdamW(trained, lr=arguments.lr, weight_decay=arguments.weight_decay)
    warmup = max(1, arguments.steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / warmup, (arguments.steps - step) / arguments.steps),
    )
    # Rare sections are drawn more often than they occur, or 300 steps hardly show them.
    counts = torch.bincount(torch.tensor([label for _, label in train])).double()
    weights = counts.rsqrt()[[label for _, label in train]]
    draw = torch.Generator().manual_seed(arguments.seed)
    model.train()
    losses = []
    for step in range(1, arguments.steps + 1):
        picks = torch.multinomial(weights, arguments.batch, generator=draw)
        inputs, targets = encode([train[i] for i in picks.tolist()])
        loss = model(**inputs, labels=targets).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        rate = schedule.get_last_lr()[0]
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        if step % 20 == 0 or step == arguments.steps:
            mean = sum(losses) / len(losses)
            print(f"step={step} loss={mean:.4f} lr={rate:.3g}", flush=True)
            losses.clear()
        if step % arguments.evaluate_every == 0 or step == arguments.steps:
            score = evaluate(model, encode, validation, len(labels))
            line = "step=%d val/loss=%.4f val/accuracy=%.4f val/macro_f1=%.4f" % (step, *score)
            print(line, flush=True)

    model.save_pretrained(arguments.output)
    tokenizer.save_pretrained(arguments.output)


if __name__ == "__main__":
    main()
