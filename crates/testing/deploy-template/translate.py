"""Translates a SAM template as CloudFormation does: with aws-sam-translator, which is the transform.

Reads a template in YAML from standard input, and writes JSON: the template as it was read
("source"), and as it is translated for the region that AWS_REGION names ("translated").
"""

import json
import sys

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

source = yaml_parse(sys.stdin)
if "AWS::Serverless-2016-10-31" in source.get("Transform", ""):
    # The transform uploads no code: CodeUri is in S3 by the time it runs, where `sam deploy` puts it.
    template = json.loads(json.dumps(source))
    for resource in template["Resources"].values():
        for place in ("CodeUri", "ContentUri"):
            if place in resource.get("Properties", {}):
                name = resource["Properties"][place].rsplit("/", 1)[-1]
                resource["Properties"][place] = f"s3://artifacts/{name}"
    # No policy is named: the map from names to ARNs, which needs an account, stays empty.
    translated = Translator({}, Parser()).translate(template, {})
else:
    translated = source
json.dump({"source": source, "translated": translated}, sys.stdout)
