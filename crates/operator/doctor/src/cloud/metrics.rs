//! The metrics of IAM authentication, which say why RDS refused tokens.
//!
//! AWS lists them in the chapter on troubleshooting, without their dimensions. They are asked for by the
//! one that RDS's other metrics have; what is not seen there proves nothing.
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Troubleshooting.html>

use aws_cli::{Aws, Database, Target};
use diagnosis::{Cause, Verdict};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Finding, Login, of_table};

/// How far back they are read. They are some minutes late.
const LOOK_BACK: Duration = Duration::from_secs(15 * 60);

const REQUESTS: &str = "IamDbAuthConnectionRequests";
const THROTTLED: &str = "IamDbAuthConnectionFailureThrottling";
const METRICS: [&str; 5] = [
    REQUESTS,
    THROTTLED,
    "IamDbAuthConnectionFailureInvalidToken",
    "IamDbAuthConnectionFailureInsufficientPermissions",
    "IamDbAuthConnectionFailureServerError",
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    metric_data_results: Vec<Series>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Series {
    id: String,
    #[serde(default)]
    values: Vec<f64>,
}

/// `None` when there is nothing to say: a proxy has other metrics, and after a login only throttling
/// matters.
pub(super) fn examine(
    aws: &Aws,
    database: &Database,
    login: &Login,
    logged_in: bool,
    now: SystemTime,
) -> Option<Finding> {
    let (dimension, name) = match &database.target {
        Target::Instance(name) => ("DBInstanceIdentifier", name),
        Target::Cluster(name) => ("DBClusterIdentifier", name),
        Target::Proxy(_) => return None,
    };
    let found = match ask(aws, dimension, name, now) {
        Ok(found) => found,
        Err(_) if logged_in => return None,
        Err(error) => return Some(super::unanswered(false, "", &error)),
    };
    let sums: BTreeMap<_, f64> =
        found.iter().map(|(metric, values)| (*metric, values.iter().sum())).collect();
    let throttled = sums.get(THROTTLED).copied().unwrap_or_default();
    if logged_in && throttled == 0.0 {
        return None;
    }
    if found.values().all(Vec::is_empty) {
        let text = format!(
            "CloudWatch shows none of the metrics IamDbAuthConnection… for {dimension} {name}; AWS does \
             not document their dimension, so this proves nothing"
        );
        return Some(Finding::new(Verdict::NotReached, text));
    }
    let seen: Vec<_> = sums.iter().map(|(metric, sum)| format!("{metric} {sum}")).collect();
    let seen = format!("the last {} minutes: {}", LOOK_BACK.as_secs() / 60, seen.join(", "));
    let facts = sums.iter().map(|(metric, sum)| ((*metric).to_owned(), json!(sum)));
    let verdict = if throttled > 0.0 { Verdict::Warning } else { Verdict::Ok };
    let mut finding = Finding::new(verdict, seen);
    finding.facts.extend(facts);
    if throttled > 0.0 {
        let busiest = found.get(REQUESTS).into_iter().flatten().copied().fold(0.0, f64::max);
        let because = format!(
            "{THROTTLED} of {name} was {throttled} in the last {} minutes, and {REQUESTS} at most \
             {busiest} a minute",
            LOOK_BACK.as_secs() / 60
        );
        finding = finding.because_of([of_table(Cause::Throttled, because, database, login)]);
    }
    Some(finding)
}

/// The values of each metric, one for each minute.
fn ask(
    aws: &Aws,
    dimension: &str,
    name: &str,
    now: SystemTime,
) -> Result<BTreeMap<&'static str, Vec<f64>>, aws_cli::Error> {
    let queries: Vec<_> = METRICS
        .iter()
        .enumerate()
        .map(|(at, metric)| {
            json!({ "Id": format!("m{at}"), "MetricStat": { "Stat": "Sum", "Period": 60, "Metric": {
                "Namespace": "AWS/RDS", "MetricName": metric,
                "Dimensions": [{ "Name": dimension, "Value": name }],
            }}})
        })
        .collect();
    let seconds = |time: SystemTime| {
        time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string()
    };
    let since = now.checked_sub(LOOK_BACK).unwrap_or(now);
    let found: Found = aws.call(&[
        "cloudwatch",
        "get-metric-data",
        "--metric-data-queries",
        &json!(queries).to_string(),
        "--start-time",
        &seconds(since),
        "--end-time",
        &seconds(now),
    ])?;
    let of = |at: usize| {
        let id = format!("m{at}");
        let series = found.metric_data_results.iter().filter(move |series| series.id == id);
        series.flat_map(|series| series.values.clone()).collect()
    };
    Ok(METRICS.iter().enumerate().map(|(at, metric)| (*metric, of(at))).collect())
}
