"""Runs ministack, with two gaps closed that CloudFormation does not have: it does not know Fn::Split where it
evaluates conditions, and it drops the time zone of a schedule. It looks for schedules that are due every
second, not every ten.

Everything else of ministack is as it comes.
"""

import sys

from ministack import app
from ministack.services import scheduler
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

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


def with_timezone(handler):
    """A handler of schedules, with the time zone. Its last properties are those of the new schedule."""

    def handle(*arguments):
        properties = [argument for argument in arguments if isinstance(argument, dict)][-1]
        name, attributes = handler(*arguments)
        schedule = scheduler._schedules[f"{properties['GroupName']}/{name}"]
        schedule["ScheduleExpressionTimezone"] = properties.get("ScheduleExpressionTimezone", "UTC")
        return name, attributes

    return handle


schedules = provisioners._RESOURCE_HANDLERS["AWS::Scheduler::Schedule"]
for operation in ("create", "update"):
    schedules[operation] = with_timezone(schedules[operation])
scheduler._SCHEDULE_TICK_INTERVAL = 1

sys.argv = ["ministack"]
app.main()
