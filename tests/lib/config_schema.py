#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every key of borgmatic's schema, with the value of its example, as YAML.

Where an example is not what the schema itself allows, one that it allows.
"""
import sys

import yaml

SCHEMA = "/usr/lib/python3/dist-packages/borgmatic/config/schema.yaml"


def example(schema):
    kind = schema.get("type")
    if "properties" in schema:
        return {name: example(sub)
                for name, sub in schema["properties"].items()}
    value = schema.get("example")
    if "enum" in schema and value not in schema["enum"]:
        value = schema["enum"][0]
    if kind == "array" and value is None:
        value = [example(schema["items"])]
    return value


with open(SCHEMA, encoding="utf-8") as f:
    yaml.safe_dump(example(yaml.safe_load(f)), sys.stdout, sort_keys=False)
