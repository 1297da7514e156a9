"""What PyTorch makes of a version, and a base that PyTorch made.

python torch_model.py score FOLDER...   loads each network, and prints what it makes of rows.csv
python torch_model.py make FOLDER...    writes a network to each; the folder's name is its dtype
"""
import json
import pathlib
import sys

import safetensors.torch
import sklearn.metrics
import torch
from torch import nn

torch.manual_seed(1)


def rows(folder):
    with open(f"{folder}/rows.csv") as file:
        lines = [line.strip().split(",") for line in file][1:]
    return [[float(cell) for cell in line[:-1]] for line in lines], [line[-1] for line in lines]


def modules(layers):
    for layer in layers:
        if isinstance(layer, str):
            yield {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}[layer]()
        elif "linear" in layer:
            yield nn.Linear(*layer["linear"], bias=layer.get("bias", True))
        elif "dropout" in layer:
            yield nn.Dropout(layer["dropout"])
        else:
            yield nn.LayerNorm(layer["layer_norm"], eps=layer.get("eps", 1e-5))


def score(folder):
    with open(f"{folder}/config.json") as file:
        config = json.load(file)
    model = nn.Sequential(*modules(config["layers"])).eval()
    model.load_state_dict(safetensors.torch.load_file(f"{folder}/model.safetensors"))
    features, labels = rows(folder)
    x = torch.tensor(features, dtype=torch.float64)
    scales = config["standardisation"]
    if scales:
        x = (x - torch.tensor(scales["means"])) / torch.tensor(scales["scales"])
    with torch.no_grad():
        out = model(x.float()).double()
    answer = {"logits": out.flatten().tolist()}
    if config["loss"] == "mse":
        values = torch.tensor([float(label) for label in labels], dtype=torch.float64)
        answer["loss"] = nn.functional.mse_loss(out[:, 0], values).item()
        answer["r2"] = sklearn.metrics.r2_score(values, out[:, 0])
    else:
        y = torch.tensor([config["label2id"][label] for label in labels])
        answer["loss"] = nn.functional.cross_entropy(out, y).item()
        answer["accuracy"] = sklearn.metrics.accuracy_score(y, out.argmax(1))
        answer["macro_f1"] = sklearn.metrics.f1_score(y, out.argmax(1), average="macro")
    return answer


def make(folder):
    dtype = pathlib.Path(folder).name
    layers = [{"linear": [3, 8], "bias": False}, {"layer_norm": 8, "eps": 1e-3}, "gelu",
              {"dropout": 0.1}, {"linear": [8, 3]}]
    model = nn.Sequential(*modules(layers)).to(getattr(torch, dtype))
    safetensors.torch.save_file(
        model.state_dict(), f"{folder}/model.safetensors", {"format": "pt", "by": "torch"})
    labels = ["a", "b", "c"]
    config = {
        "architecture": "mlp", "layers": layers, "torch_dtype": dtype, "standardisation": None,
        "id2label": dict(enumerate(labels)), "label2id": {b: a for a, b in enumerate(labels)},
        "loss": "cross_entropy", "problem_type": None, "nested": {"more": [1, 2.5, True]},
    }
    with open(f"{folder}/config.json", "w") as file:
        json.dump(config, file, indent=1)


work = {"score": score, "make": make}[sys.argv[1]]
print(json.dumps([work(folder) for folder in sys.argv[2:]]))
