//! The entries of schedules: each schedule, their group, their role and their alarms.

use super::entries::Entry;
use super::names::of_statement;
use super::{quoted, rules};
use crate::functions::Function;
use crate::schedules::Scheduled;

/// The longest description of a schedule:
/// <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html>.
const LONGEST: usize = 512;

/// The entries for the functions that have schedules; none if there is none.
pub(super) fn entries(scheduled: &[(&Function, Vec<Scheduled>)]) -> Vec<Entry> {
    if scheduled.is_empty() {
        return vec![];
    }
    let functions: Vec<_> = scheduled.iter().map(|(function, _)| *function).collect();
    let all = scheduled
        .iter()
        .flat_map(|(function, schedules)| schedules.iter().map(|it| schedule(function, it)));
    let all: Vec<_> = all.collect();
    [&conditions(&functions)[..], &all, &[group(), role(&functions)], &alarms()].concat()
}

fn conditions(functions: &[&Function]) -> [Entry; 2] {
    let any = rules::any_is_set(functions.iter().copied());
    let condition =
        |name: &str, text: &str| Entry::new("Conditions", name, format!("  {name}: {text}\n"));
    [
        condition("HasSchedules", &any),
        condition("HasSchedulesQueue", "!And [!Condition HasSchedules, !Condition HasQueue]"),
    ]
}

/// A schedule. Its name is always the same for its statement and number, so that a change set shows a
/// changed expression as a change, and a schedule that went as removed.
fn schedule(function: &Function, scheduled: &Scheduled) -> Entry {
    let prefix = function.prefix();
    let Scheduled { statement, number, expression, timezone, event, description, .. } = scheduled;
    let id = format!("{prefix}Schedule{}{number}", of_statement(statement));
    let words = match description.split_whitespace().collect::<Vec<_>>().join(" ") {
        none if none.is_empty() => statement.clone(),
        words => format!("{statement}: {words}"),
    };
    let description = quoted::words(&words, LONGEST);
    let expression = quoted::words(expression, LONGEST);
    let timezone = quoted::words(timezone.as_deref().unwrap_or("UTC"), LONGEST);
    let input = quoted::json(event);
    let text = format!(
        r#"  {id}:
    Type: AWS::Scheduler::Schedule
    Condition: Has{prefix}
    Properties:
      Description: {description}
      GroupName: !Ref ScheduleGroup
      ScheduleExpression: {expression}
      ScheduleExpressionTimezone: {timezone}
      State: ENABLED
      FlexibleTimeWindow: {{ Mode: "OFF" }}
      Target:
        Arn: !GetAtt {prefix}Function.Arn
        RoleArn: !GetAtt ScheduleRole.Arn
        Input: {input}
        # Retries of the delivery to Lambda, before anything has run.
        RetryPolicy: {{ MaximumRetryAttempts: 10, MaximumEventAgeInSeconds: !Ref EventAgeSeconds }}
        DeadLetterConfig: !If
          - HasQueue
          - Arn: !GetAtt {prefix}FailedEvents.Arn
          - !Ref AWS::NoValue
"#
    );
    Entry::new("Resources", &id, text)
}

fn group() -> Entry {
    let text = "
  ScheduleGroup:
    Type: AWS::Scheduler::ScheduleGroup
    Condition: HasSchedules
    Properties:
      Name: !Ref AWS::StackName
";
    Entry::new("Resources", "ScheduleGroup", text.to_owned())
}

fn role(functions: &[&Function]) -> Entry {
    let arns = |indent: &str, resource: &str| {
        let arn = |function: &&Function| {
            let prefix = function.prefix();
            let arn = format!("!GetAtt {prefix}{resource}.Arn");
            match functions {
                // There is a role only if there is this function.
                [_] => format!("{indent}- {arn}\n"),
                _ => format!("{indent}- !If [Has{prefix}, {arn}, !Ref AWS::NoValue]\n"),
            }
        };
        functions.iter().map(arn).collect::<String>()
    };
    let (invoked, queues) =
        (arns("                  ", "Function"), arns("                    ", "FailedEvents"));
    let text = format!(
        r#"  # The schedules' role: it may invoke the functions that have schedules, and send undelivered events to
  # their queues. Only this group's schedules can assume it.
  # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
  ScheduleRole:
    Type: AWS::IAM::Role
    Condition: HasSchedules
    Properties:
      PermissionsBoundary: !If
        - HasPermissionsBoundary
        - !Ref PermissionsBoundary
        - !Ref AWS::NoValue
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: sts:AssumeRole
            Principal: {{ Service: scheduler.amazonaws.com }}
            Condition:
              StringEquals:
                aws:SourceAccount: !Ref AWS::AccountId
                aws:SourceArn: !GetAtt ScheduleGroup.Arn
      Policies:
        - PolicyName: hand-over
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action: lambda:InvokeFunction
                Resource:
{invoked}              - !If
                - HasQueue
                - Effect: Allow
                  Action: sqs:SendMessage
                  Resource:
{queues}                - !Ref AWS::NoValue
"#
    );
    Entry::new("Resources", "ScheduleRole", text)
}

fn alarms() -> [Entry; 3] {
    [
        alarm(
            "ScheduleTargetErrors",
            "HasSchedules",
            "TargetErrorCount",
            "EventBridge Scheduler could not deliver an event because Lambda refused it, and will retry.\n        \
             Check the schedule's role.",
        ),
        alarm(
            "ScheduleDropped",
            "HasSchedules",
            "InvocationDroppedCount",
            "EventBridge Scheduler dropped an event after its last retry. If there is a queue, the event\n        \
             is in it.",
        ),
        alarm(
            "ScheduleFailuresLost",
            "HasSchedulesQueue",
            "InvocationsFailedToBeSentToDeadLetterCount",
            "EventBridge Scheduler lost an event: it could not send it to the queue. Check the queue, its\n        \
             policy and the schedule's role.",
        ),
    ]
}

/// An alarm about a metric of the group.
fn alarm(id: &str, condition: &str, metric: &str, words: &str) -> Entry {
    let text = format!(
        r#"  {id}:
    Type: AWS::CloudWatch::Alarm
    Condition: {condition}
    Properties:
      AlarmDescription: >-
        {words}
      Namespace: AWS/Scheduler
      MetricName: {metric}
      Dimensions: [{{ Name: ScheduleGroup, Value: !Ref ScheduleGroup }}]
      Statistic: Sum
      Period: 300
      EvaluationPeriods: 1
      Threshold: 1
      ComparisonOperator: GreaterThanOrEqualToThreshold
      TreatMissingData: notBreaching
      AlarmActions: !If [HasAlarmTopic, [!Ref AlarmTopicArn], !Ref AWS::NoValue]
"#
    );
    Entry::new("Resources", id, text)
}
