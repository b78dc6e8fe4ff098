"""Runs ministack, with one gap closed: it does not know Fn::Split where it evaluates conditions.

CloudFormation does. Everything else of ministack is as it comes.
"""

import sys

from ministack import app
from ministack.services.cloudformation import changesets, engine, handlers, stacks

of_ministack = engine._evaluate_conditions


def without_split(value, parameters):
    """`value` with each Fn::Select of an Fn::Split replaced by what it selects."""
    if isinstance(value, list):
        return [without_split(item, parameters) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Fn::Select": [index, {"Fn::Split": [delimiter, {"Ref": name}]}]}:
            return parameters[name]["Value"].split(delimiter)[int(index)]
    return {key: without_split(item, parameters) for key, item in value.items()}


def evaluate(template, parameters):
    """What ministack's own function does."""
    conditions = without_split(template.get("Conditions", {}), parameters)
    return of_ministack({**template, "Conditions": conditions}, parameters)


for module in (engine, changesets, handlers, stacks):
    if getattr(module, "_evaluate_conditions", None) is of_ministack:
        module._evaluate_conditions = evaluate

sys.argv = ["ministack"]
app.main()
