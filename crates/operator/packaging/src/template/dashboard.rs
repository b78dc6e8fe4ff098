//! The entries of the dashboard: a parameter, off by default, and widgets for what the stack has.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html>

use serde_json::{Value, json};

use super::entries::{Entry, Place};
use crate::functions::Function;

/// The entries for these functions.
pub(super) fn entries(functions: &[Function], has_schedules: bool) -> [Entry; 5] {
    let label = "- Label: { default: Dashboard }";
    let form = format!("      {label}\n        Parameters:\n          - Dashboard\n");
    let parameter = r#"
  Dashboard:
    Type: String
    Description: >-
      Whether there is a CloudWatch dashboard of the functions, their logins, databases, queues and
      schedules, for $3 a month.
    Default: "false"
    AllowedValues: ["true", "false"]
"#;
    let condition = "  HasDashboard: !Equals [!Ref Dashboard, \"true\"]\n";
    let output = "  DashboardName:
    Description: Name of the dashboard.
    Condition: HasDashboard
    Value: !Ref CloudWatchDashboard
";
    [
        Entry { place: Place::Form, name: label.to_owned(), text: form },
        Entry::new("Parameters", "Dashboard", parameter.to_owned()),
        Entry::new("Conditions", "HasDashboard", condition.to_owned()),
        Entry::new("Resources", "CloudWatchDashboard", resource(functions, has_schedules)),
        Entry::new("Outputs", "DashboardName", output.to_owned()),
    ]
}

/// The dashboard. Its widgets have no positions: CloudWatch puts each at the next free one.
fn resource(functions: &[Function], has_schedules: bool) -> String {
    let mut parts: Vec<_> = functions.iter().flat_map(of_function).collect();
    if has_schedules {
        parts.push(part("HasSchedules", &text(&[heading("## Schedules"), schedules()])));
    }
    format!(
        r##"
  # Periods are kept whatever the time range, because RDS Proxy writes a value for each of its hosts every
  # minute: the sum of a minute is the proxy's value, and that of a longer period is too high.
  CloudWatchDashboard:
    Type: AWS::CloudWatch::Dashboard
    Condition: HasDashboard
    Properties:
      # The dashboards of all Regions share their names, and no name of a stack has an underscore.
      DashboardName: !Sub ${{AWS::StackName}}_${{AWS::Region}}
      DashboardBody: !Join
        - ""
        - - '{{"periodOverride":"inherit","widgets":['
          - !Sub '{}'
{}          - "]}}"
"##,
        heading("# ${AWS::StackName}"),
        parts.concat()
    )
}

/// Widgets as a text in which CloudFormation replaces names. A comma is before each.
fn text(widgets: &[Value]) -> String {
    let widgets: String = widgets.iter().map(|widget| format!(",{widget}")).collect();
    format!("!Sub '{}'", widgets.replace('\'', "''"))
}

/// A line of the list of texts: this text if a condition holds.
fn part(condition: &str, text: &str) -> String {
    format!("          - !If [{condition}, {text}, \"\"]\n")
}

/// The conditions and the dimensions are those of the function's alarms.
fn of_function(function: &Function) -> [String; 6] {
    let prefix = function.prefix();
    let named = |name: &str| format!("${{{prefix}{name}}}");
    let identifier = named("DbIdentifier");
    let mut first = vec![heading(&format!("## {}", function.name))];
    first.extend(invocations(&named("Function")));
    let skips = json!(["${AWS::StackName}", format!("{prefix}SkippedRuns")]);
    let skips = graph("Skipped runs", "Sum", 300, &[skips]);
    let database = format!(
        "!If [Is{prefix}Cluster, {}, {}]",
        text(&database("DBClusterIdentifier", &identifier)),
        text(&database("DBInstanceIdentifier", &identifier)),
    );
    let queue = queue(&named("FailedEvents.QueueName"), &named("Function"));
    [
        part(&format!("Has{prefix}"), &text(&first)),
        part(&format!("Watches{prefix}Skips"), &text(&[skips])),
        part(&format!("Has{prefix}"), &text(&logs(&named("LogGroup")))),
        part(&format!("Watches{prefix}"), &database),
        part(&format!("Watches{prefix}Proxy"), &text(&proxy(&identifier))),
        part(&format!("Has{prefix}Queue"), &text(&[queue])),
    ]
}

fn heading(markdown: &str) -> Value {
    json!({ "type": "text", "width": 24, "height": 1, "properties": { "markdown": markdown } })
}

/// A graph, a quarter of the dashboard wide. The period is in seconds.
fn graph(title: &str, stat: &str, period: u32, metrics: &[Value]) -> Value {
    json!({ "type": "metric", "width": 6, "height": 6, "properties": {
        "title": title, "region": "${AWS::Region}", "stat": stat, "period": period, "metrics": metrics,
    } })
}

/// Metrics of one dimension.
fn metrics(namespace: &str, names: &[&str], dimension: &str, value: &str) -> Vec<Value> {
    names.iter().map(|name| json!([namespace, name, dimension, value])).collect()
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html>
fn invocations(function: &str) -> [Value; 3] {
    let of_lambda = |names: &[&str]| metrics("AWS/Lambda", names, "FunctionName", function);
    let duration =
        |stat: &str| json!(["AWS/Lambda", "Duration", "FunctionName", function, { "stat": stat }]);
    [
        graph("Invocations", "Sum", 300, &of_lambda(&["Invocations", "Errors", "Throttles"])),
        graph("Duration", "p50", 300, &["p50", "p95", "Maximum"].map(duration)),
        graph("Concurrent executions", "Maximum", 60, &of_lambda(&["ConcurrentExecutions"])),
    ]
}

/// What the lines of `sql_function::summary` say. A login took time, and a connection that is used again did
/// not.
fn logs(group: &str) -> [Value; 4] {
    let query = |title: &str, view: &str, query: &str| {
        let query = format!("SOURCE '{group}' | filter message = \"invocation\" and {query}");
        json!({ "type": "log", "width": 6, "height": 6, "properties": {
            "title": title, "region": "${AWS::Region}", "view": view, "query": query,
        } })
    };
    let by_type = "stats count(*) as failed by outcome, cause | sort failed desc";
    [
        query(
            "Errors by type",
            "table",
            &format!("outcome not in [\"ok\", \"skipped\"] | {by_type}"),
        ),
        query("Logins", "timeSeries", "connect_ms > 0 | stats count(*) as logins by bin(5m)"),
        query(
            "Time of a login in ms",
            "timeSeries",
            "connect_ms > 0 | stats pct(connect_ms, 50) as p50, pct(connect_ms, 95) as p95, \
             max(connect_ms) as maximum by bin(5m)",
        ),
        query(
            "Failed logins by type",
            "table",
            &format!("outcome like /^(Connect|Login)[.]/ | {by_type}"),
        ),
    ]
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html>
fn database(dimension: &str, identifier: &str) -> [Value; 2] {
    let of_rds = |names: &[&str]| metrics("AWS/RDS", names, dimension, identifier);
    [
        graph(
            "Connections of the busiest instance",
            "Maximum",
            60,
            &of_rds(&["DatabaseConnections"]),
        ),
        graph(
            "IAM logins of all clients",
            "Sum",
            300,
            &of_rds(&[
                "IamDbAuthConnectionRequests",
                "IamDbAuthConnectionFailureInvalidToken",
                "IamDbAuthConnectionFailureInsufficientPermissions",
                "IamDbAuthConnectionFailureThrottling",
                "IamDbAuthConnectionFailureServerError",
            ]),
        ),
    ]
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.monitoring.html>
fn proxy(name: &str) -> [Value; 2] {
    let of_proxy = |names: &[&str]| metrics("AWS/RDS", names, "ProxyName", name);
    [
        graph(
            "Connections of the proxy",
            "Sum",
            60,
            &of_proxy(&[
                "ClientConnections",
                "DatabaseConnections",
                "DatabaseConnectionsCurrentlySessionPinned",
                "ClientConnectionsSetupFailedAuth",
            ]),
        ),
        graph(
            "Wait for a database connection in microseconds",
            "Average",
            60,
            &of_proxy(&["DatabaseConnectionsBorrowLatency"]),
        ),
    ]
}

/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html>
fn queue(name: &str, function: &str) -> Value {
    let messages = json!(["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", name]);
    let age = json!(["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", name, { "yAxis": "right" }]);
    let lost = "DestinationDeliveryFailures";
    let lost = json!(["AWS/Lambda", lost, "FunctionName", function, { "stat": "Sum" }]);
    graph("Failed events, and the age of the oldest in s", "Maximum", 300, &[messages, age, lost])
}

/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/monitoring-cloudwatch.html>
fn schedules() -> Value {
    let names = [
        "InvocationAttemptCount",
        "TargetErrorCount",
        "TargetErrorThrottledCount",
        "InvocationThrottleCount",
        "InvocationDroppedCount",
        "InvocationsSentToDeadLetterCount",
        "InvocationsFailedToBeSentToDeadLetterCount",
    ];
    let metrics = metrics("AWS/Scheduler", &names, "ScheduleGroup", "${ScheduleGroup}");
    graph("Schedules of all functions", "Sum", 300, &metrics)
}
