"""Checks files against FOCUS 1.2 with the validator of the specification's publisher, offline.

The rules come with the validator, model 1.2.0.1. One of them contradicts its own text and another rule: it asks for a
`CommitmentDiscountStatus` where `CommitmentDiscountId` is null, and its text asks for one where the id is there and the charge is
usage. It is checked as its text has it; all others as they are. `InvoiceId-C-003-C` is fulfilled by one of two rules, that there is an
invoice and that there is none, so that one of the two always fails: it counts when both do.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import focus_validator

RULE = "CommitmentDiscountStatus-C-004-C"
CONTRADICTION = {"CheckFunction": "CheckValue", "ColumnName": "CommitmentDiscountId", "Value": None}
MENDED = {
    "CheckFunction": "AND",
    "Items": [
        {"CheckFunction": "CheckNotValue", "ColumnName": "CommitmentDiscountId", "Value": None},
        {"CheckFunction": "CheckValue", "ColumnName": "ChargeCategory", "Value": "Usage"},
    ],
}
ALTERNATIVE = "InvoiceId-C-005-C:"
# What a cloud has that these data sets speak of.
APPLICABLE = [
    "BILLING_BASED_ON_PROVISIONED_RESOURCES_SUPPORTED",
    "COMMITMENT_DISCOUNT_SUPPORTED",
    "MULTIPLE_PRICING_CATEGORIES_SUPPORTED",
    "NEGOTIATED_PRICING_SUPPORTED",
    "PRICING_BILLING_CURRENCY_DIFFERENCES_SUPPORTED",
    "PUBLIC_PRICE_LIST_SUPPORTED",
    "REGION_SUPPORTED",
    "RESOURCE_TYPE_ASSIGNMENT_SUPPORTED",
    "SUB_ACCOUNT_SUPPORTED",
    "TAGGING_SUPPORTED",
    "UNIT_PRICING_SUPPORTED",
    "USAGE_MEASUREMENT_SUPPORTED",
]


def rules(folder):
    """Writes the rules to the folder, the contradiction mended."""
    [source] = (pathlib.Path(focus_validator.__file__).parent / "rules").glob("model-1.2*.json")
    model = json.loads(source.read_text())
    criteria = model["ModelRules"][RULE]["ValidationCriteria"]
    assert criteria["Condition"] == CONTRADICTION, f"{RULE} has changed: look at it again"
    criteria["Condition"] = MENDED
    (pathlib.Path(folder) / source.name).write_text(json.dumps(model))


def validate(path):
    with tempfile.TemporaryDirectory() as folder:
        rules(folder)
        command = [sys.executable, "-c", "from focus_validator.main import main; main()"]
        command += ["--data-file", os.path.abspath(path), "--validate-version", "1.2", "--block-download"]
        command += ["--rule-set-path", folder, "--applicability-criteria", ",".join(APPLICABLE)]
        # The validator looks for its list of currencies from here.
        place = pathlib.Path(focus_validator.__file__).parent.parent
        run = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=300)
    lines = (run.stdout + run.stderr).splitlines()
    failed = [line for line in lines if "❌" in line and "FAIL" in line and ALTERNATIVE not in line]
    totals = [line for line in lines if line.strip().startswith("Total:")]
    if run.returncode != 0 or failed or len(totals) != 1:
        print(*(failed or lines[-30:]), sep="\n")
        sys.exit(f"{path}: not valid, or not validated")
    passed = int(totals[0].split("Pass:")[1].split("|")[0])
    assert passed > 300, totals
    print(f"{path}: {totals[0].strip()}")


for file in sys.argv[1:]:
    validate(file)
