"""Splits a data set of scikit-learn and scores its MLPClassifier: python classifiers.py NAME FOLDER

Writes train.csv and test.csv and prints a JSON object with the test accuracy of each seed.
"""
import json
import sys
import warnings

from sklearn import datasets, model_selection, neural_network, preprocessing

name, folder = sys.argv[1:]
warnings.filterwarnings("ignore")  # of training that was not long enough to converge
x, y = getattr(datasets, "load_" + name)(return_X_y=True)
split = model_selection.train_test_split(x, y, test_size=0.25, random_state=0, stratify=y)
train_x, test_x, train_y, test_y = split
for part, rows, labels in (("train", train_x, train_y), ("test", test_x, test_y)):
    with open(f"{folder}/{part}.csv", "w") as file:
        file.write(",".join(f"f{i}" for i in range(x.shape[1])) + ",label\n")
        for row, label in zip(rows, labels):
            file.write(",".join(repr(float(value)) for value in row) + f",{label}\n")
scaler = preprocessing.StandardScaler().fit(train_x)
accuracies = []
for seed in range(10):
    model = neural_network.MLPClassifier((100,), random_state=seed)
    model.fit(scaler.transform(train_x), train_y)
    accuracies.append(model.score(scaler.transform(test_x), test_y))
print(json.dumps({"accuracies": accuracies}))
