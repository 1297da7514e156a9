"""Files of tensors as other programs write them, with what is in them.

python checkpoints.py FOLDER    fills the folder, and prints {file: [[name, dtype, shape, hex], …]}
"""
import json
import sys
import warnings

import numpy as np
import safetensors.torch
import torch
from torch import nn

warnings.filterwarnings("ignore")
torch.manual_seed(1)
folder = sys.argv[1]
names = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8",
    torch.uint8: "U8", torch.bool: "BOOL", torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2", torch.uint16: "U16", torch.complex64: "C64",
}
answer = {}


def told(name, tensor):
    data = tensor.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes()
    return [name, names[tensor.dtype], list(tensor.shape), data.hex()]


def save(file, value, tensors, **options):
    torch.save(value, f"{folder}/{file}", **options)
    answer[file] = [told(name, tensor) for name, tensor in tensors]


model = nn.Sequential(nn.Linear(30, 40), nn.LSTM(40, 5), nn.BatchNorm1d(5), nn.Linear(5, 3))
model[3] = model[3].to(torch.bfloat16)
state = model.state_dict()
save("zip.pt", state, state.items())
save("protocol4.pth", state, state.items(), pickle_protocol=4)
save("legacy.bin", state, state.items(), _use_new_zipfile_serialization=False)
save("without-a-clue", state, state.items())
# The object itself, whose class no reader needs to know; parameters go before buffers.
save("module.pt", model, [item for part in model.children() for item in part.named_parameters()])
answer["module.pt"] = sorted(told(name, tensor) for name, tensor in state.items())

for name, optimizer in [
    ("adamw", torch.optim.AdamW(model.parameters(), lr=1e-3, amsgrad=True)),
    ("sgd", torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)),
]:
    output, _ = model[1](model[0](torch.randn(8, 30)))
    loss = model[3](model[2](output).to(torch.bfloat16)).float().square().sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    states = optimizer.state_dict()
    tensors = [(f"state.{number}.{key}", tensor) for number, parts in states["state"].items()
               for key, tensor in parts.items() if isinstance(tensor, torch.Tensor)]
    save(f"{name}.pt", states, tensors)
    whole = {"epoch": 3, "model": state, "optimizer": states, "rng": torch.get_rng_state()}
    found = [("model." + key, tensor) for key, tensor in state.items()]
    found += [("optimizer." + key, tensor) for key, tensor in tensors] + [("rng", whole["rng"])]
    save(f"{name}.ckpt", whole, found)

flat = torch.randn(20)
table = torch.randn(4, 6)
odd = {
    "first": flat[:12].view(3, 4), "second": flat[12:], "turned": table.t(),
    "parameter": nn.Parameter(torch.randn(2)), "scalar": torch.tensor(3.0),
    "empty": torch.empty(0, 3), "list": [torch.ones(2), (torch.zeros(1, dtype=torch.int64),)],
    "number": 10**40, "text": "é", "bytes": b"abc", "none": None, "float": 1.5,
}
found = [("first", odd["first"]), ("second", odd["second"]), ("turned", table),
         ("parameter", odd["parameter"]), ("scalar", odd["scalar"]), ("empty", odd["empty"]),
         ("list.0", odd["list"][0]), ("list.1.0", odd["list"][1][0])]
save("odd.pt", odd, found)
types = {str(dtype): torch.arange(1, 6).to(dtype) for dtype in names if dtype != torch.uint16}
types["u16"] = torch.tensor([1, 2, 65535], dtype=torch.int32).to(torch.uint16)
save("types.pt", types, types.items())
script = torch.jit.script(nn.Linear(3, 2))
script.save(f"{folder}/script.pt")
answer["script.pt"] = [told(name, tensor) for name, tensor in script.state_dict().items()]
torch.save({"only": "words"}, f"{folder}/words.pt")
answer["words.pt"] = []
safetensors.torch.save_file(state, f"{folder}/no-name.st")
answer["no-name.st"] = sorted(told(name, tensor) for name, tensor in state.items())


def array(name, dtype, values, shape=None):
    return [name, dtype, list(shape or values.shape), values.tobytes(order="A").hex()]


rows = np.arange(6, dtype="<f4").reshape(2, 3)
for file, values, told_array in [
    ("rows.npy", rows, array("arr_0", "F32", rows)),
    ("fortran.npy", np.asfortranarray(rows), array("arr_0", "F32", np.asfortranarray(rows), (3, 2))),
    ("big.npy", rows.astype(">f4"), array("arr_0", ">F32", rows.astype(">f4"))),
    ("scalar.npy", np.float64(3), ["arr_0", "F64", [], np.float64(3).tobytes().hex()]),
    ("words.npy", np.array(["ab", "c"]), array("arr_0", "<U2", np.array(["ab", "c"]))),
]:
    np.save(f"{folder}/{file}", values)
    answer[file] = [told_array]
record = np.zeros(3, dtype=[("a", "<f4"), ("b", "<i2")])
np.save(f"{folder}/record.npy", record)
np.save(f"{folder}/object.npy", np.array([{}, None], dtype=object), allow_pickle=True)
answer["record.npy"] = answer["object.npy"] = []
np.savez(f"{folder}/several.npz", x=rows, y=np.ones(3, "<i8"), record=record)
answer["several.npz"] = [array("x", "F32", rows), array("y", "I64", np.ones(3, "<i8"))]
np.savez_compressed(f"{folder}/packed.npz", x=rows)
answer["packed.npz"] = []
print(json.dumps(answer))
