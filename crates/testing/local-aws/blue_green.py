"""Blue/Green deployments of DB instances, which ministack's RDS does not know.

The green instance is a copy with its own resource id. The switchover swaps the names, and with them the ARNs
and endpoints, and leaves each its resource id. Fields and statuses are those of RDS's API:
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_BlueGreenDeployment.html
"""

import copy
import secrets
import string

from ministack.services import rds

deployments = {}


def random(letters, length):
    return "".join(secrets.choice(letters) for _ in range(length))


def describe_xml(deployment):
    def arn(instance):
        return instance["DBInstanceArn"]

    source, target, status = deployment["source"], deployment["target"], deployment["status"]
    return (
        f"<BlueGreenDeploymentIdentifier>{deployment['id']}</BlueGreenDeploymentIdentifier>"
        f"<BlueGreenDeploymentName>{deployment['name']}</BlueGreenDeploymentName>"
        f"<Source>{arn(source)}</Source><Target>{arn(target)}</Target>"
        f"<SwitchoverDetails><member><SourceMember>{arn(source)}</SourceMember>"
        f"<TargetMember>{arn(target)}</TargetMember><Status>{status}</Status></member></SwitchoverDetails>"
        f"<Tasks></Tasks><Status>{status}</Status>"
    )


def answer(action, deployment):
    return rds._xml(
        200,
        f"{action}Response",
        f"<{action}Result><BlueGreenDeployment>{describe_xml(deployment)}</BlueGreenDeployment></{action}Result>",
    )


def renamed(instance, name):
    """Gives an instance another name: its ARN and its endpoint have it too."""
    old = instance["DBInstanceIdentifier"]
    rds._instances.pop(old, None)
    instance["DBInstanceIdentifier"] = name
    instance["DBInstanceArn"] = instance["DBInstanceArn"].rsplit(":", 1)[0] + f":{name}"
    address = instance["Endpoint"]["Address"]
    if address.startswith(f"{old}."):
        instance["Endpoint"]["Address"] = f"{name}.{address.split('.', 1)[1]}"
    rds._instances[name] = instance


def create(parameters):
    name = rds._p(parameters, "Source").rsplit(":", 1)[-1]
    source = rds._instances.get(name)
    if source is None:
        return rds._error("DBInstanceNotFound", f"DBInstance {name} not found.", 404)
    green = copy.deepcopy(source)
    green["DbiResourceId"] = "db-" + random(string.ascii_uppercase + string.digits, 26)
    # A container of ministack's belongs to the blue one.
    green["_docker_container_id"] = None
    renamed(green, f"{name}-green-{random(string.ascii_lowercase + string.digits, 6)}")
    # It was renamed from the blue one's name.
    rds._instances[name] = source
    deployment = {
        "id": "bgd-" + random(string.ascii_lowercase + string.digits, 16),
        "name": rds._p(parameters, "BlueGreenDeploymentName"),
        "source": source,
        "target": green,
        "status": "AVAILABLE",
    }
    deployments[deployment["id"]] = deployment
    return answer("CreateBlueGreenDeployment", deployment)


def found(parameters):
    return deployments.get(rds._p(parameters, "BlueGreenDeploymentIdentifier"))


def missing(parameters):
    name = rds._p(parameters, "BlueGreenDeploymentIdentifier")
    return rds._error("BlueGreenDeploymentNotFoundFault", f"BlueGreenDeployment {name} not found.", 404)


def describe(parameters):
    if rds._p(parameters, "BlueGreenDeploymentIdentifier"):
        if not found(parameters):
            return missing(parameters)
        shown = [found(parameters)]
    else:
        shown = deployments.values()
    members = "".join(f"<member>{describe_xml(it)}</member>" for it in shown)
    return rds._xml(
        200,
        "DescribeBlueGreenDeploymentsResponse",
        "<DescribeBlueGreenDeploymentsResult>"
        f"<BlueGreenDeployments>{members}</BlueGreenDeployments></DescribeBlueGreenDeploymentsResult>",
    )


def switch_over(parameters):
    deployment = found(parameters)
    if not deployment:
        return missing(parameters)
    name = deployment["source"]["DBInstanceIdentifier"]
    renamed(deployment["source"], f"{name}-old1")
    renamed(deployment["target"], name)
    deployment["status"] = "SWITCHOVER_COMPLETED"
    return answer("SwitchoverBlueGreenDeployment", deployment)


def delete(parameters):
    deployment = deployments.pop(rds._p(parameters, "BlueGreenDeploymentIdentifier"), None)
    if not deployment:
        return missing(parameters)
    deployment["status"] = "DELETING"
    return answer("DeleteBlueGreenDeployment", deployment)


rds._ACTION_MAP.update(
    CreateBlueGreenDeployment=create,
    DescribeBlueGreenDeployments=describe,
    SwitchoverBlueGreenDeployment=switch_over,
    DeleteBlueGreenDeployment=delete,
)
