"""Aurora's express configuration, which ministack's RDS does not know.

As `CreateDBCluster` with `WithExpressConfiguration` does: a cluster without a network in any VPC, behind an
internet access gateway, whose master user logs in with IAM alone. The parameters that AWS refuses beside it
are refused: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/CHAP_GettingStartedAurora.AuroraPostgreSQL.ExpressConfig.html
"""

from ministack.services import rds

create_any_cluster, cluster_xml = rds._create_db_cluster, rds._cluster_xml


def create_cluster(parameters):
    """A cluster, of the express configuration or not."""
    if rds._p(parameters, "WithExpressConfiguration") != "true":
        return create_any_cluster(parameters)
    refused = ["EngineVersion", "DatabaseName", "ManageMasterUserPassword", "DBSubnetGroupName"]
    for name in refused:
        if rds._p(parameters, name):
            return rds._error("InvalidParameterCombination", f"{name} cannot be given with WithExpressConfiguration.", 400)
    answer = create_any_cluster({
        **parameters,
        "EnableIAMDatabaseAuthentication": ["true"],
        "MasterUsername": [rds._p(parameters, "MasterUsername") or "postgres"],
    })
    if answer[0] == 200:
        name = rds._p(parameters, "DBClusterIdentifier")
        rds._clusters[name].update(Express=True, DBSubnetGroup="", VpcSecurityGroups=[])
    return answer


def cluster_with_express(cluster):
    """The XML of a cluster. One of the express configuration has two fields more, and no subnet group."""
    xml = cluster_xml(cluster)
    if cluster.get("Express"):
        xml = xml.replace("<DBSubnetGroup></DBSubnetGroup>", "").replace("<HostedZoneId>Z2R2ITUGPM61AM</HostedZoneId>", "")
        xml += "<VPCNetworkingEnabled>false</VPCNetworkingEnabled>"
        xml += "<InternetAccessGatewayEnabled>true</InternetAccessGatewayEnabled>"
    return xml


rds._cluster_xml = cluster_with_express
rds._ACTION_MAP["CreateDBCluster"] = create_cluster
