"""Writes Sources/Datasets/OpticalDigits+Packed.swift from scikit-learn's copy of the digits.

    pip install scikit-learn
    python Tests/Python/pack_digits.py

Packed are the labels and then the pixels, place by place of the image, the rows of a place ordered
by class (stable), in one zlib stream, as text of base 85 (Python's base64.b85encode). It prints the
sums that Tests/DatasetsTests/OpticalDigitsTests.swift expects.
"""

import base64
import gzip
import hashlib
import pathlib
import zlib

import numpy
import sklearn

HEAD = """\
// Made by Tests/Python/pack_digits.py; do not edit.
//
// Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, 1998, UCI Machine Learning
// Repository, https://doi.org/10.24432/C50P49, licensed under Creative Commons Attribution 4.0
// International (https://creativecommons.org/licenses/by/4.0/); its test part, as scikit-learn
// carries it. Changed: packed.

extension OpticalDigits {
  static let packed: StaticString = \"\"\"
"""

source = pathlib.Path(sklearn.__file__).parent / "datasets/data/digits.csv.gz"
with gzip.open(source) as file:
    rows = numpy.loadtxt(file, delimiter=",").astype(numpy.uint8)
pixels, labels = rows[:, :64], rows[:, 64]
ordered = pixels[numpy.argsort(labels, kind="stable")]
plain = labels.tobytes() + ordered.T.tobytes()

streams = []
for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE):
    packer = zlib.compressobj(9, zlib.DEFLATED, 15, 9, strategy)
    streams.append(packer.compress(plain) + packer.flush())
text = base64.b85encode(min(streams, key=len)).decode()

target = pathlib.Path(__file__).parents[2] / "Sources/Datasets/OpticalDigits+Packed.swift"
with open(target, "w") as file:
    file.write(HEAD)
    for start in range(0, len(text), 96):
        file.write(f"    {text[start:start + 96]}\n")
    file.write('    """\n}\n')

print("rows", len(labels), "sum", pixels.sum(), "classes", numpy.bincount(labels).tolist())
print("pixels", hashlib.sha256(pixels.tobytes()).hexdigest())
print("labels", hashlib.sha256(labels.tobytes()).hexdigest())
print(len(text), "characters")
