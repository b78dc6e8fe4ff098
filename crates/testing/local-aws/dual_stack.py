"""Subnets with an IPv6 CIDR block, which ministack's EC2 does not know: `AssociateSubnetCidrBlock`, and what
`DescribeSubnets` shows of it.
"""

from ministack.services import ec2

subnet_xml = ec2._subnet_fields_xml


def association(subnet):
    return (
        f"<associationId>subnet-cidr-assoc-{subnet['SubnetId']}</associationId>"
        f"<ipv6CidrBlock>{subnet['Ipv6CidrBlock']}</ipv6CidrBlock>"
        "<ipv6CidrBlockState><state>associated</state></ipv6CidrBlockState>"
    )


def associate(parameters):
    """Gives a subnet an IPv6 CIDR block."""
    name = ec2._p(parameters, "SubnetId")
    if name not in ec2._subnets:
        return ec2._error("InvalidSubnetID.NotFound", f"The subnet ID '{name}' does not exist", 400)
    subnet = ec2._subnets[name]
    subnet["Ipv6CidrBlock"] = ec2._p(parameters, "Ipv6CidrBlock")
    return ec2._xml(
        200,
        "AssociateSubnetCidrBlockResponse",
        f"<subnetId>{name}</subnetId><ipv6CidrBlockAssociation>{association(subnet)}</ipv6CidrBlockAssociation>",
    )


def subnet_with_ipv6(subnet, tag="item"):
    """The XML of a subnet."""
    xml = subnet_xml(subnet, tag)
    if "Ipv6CidrBlock" not in subnet:
        return xml
    blocks = f"<ipv6CidrBlockAssociationSet><item>{association(subnet)}</item></ipv6CidrBlockAssociationSet>"
    return xml.removesuffix(f"</{tag}>") + f"{blocks}</{tag}>"


ec2._subnet_fields_xml = subnet_with_ipv6
ec2._ACTION_MAP["AssociateSubnetCidrBlock"] = associate
