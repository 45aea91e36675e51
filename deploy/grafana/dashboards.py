"""What is on the dashboards. `make dashboards` (`python -m deploy.grafana.dashboards`) writes their JSON, beside this file.

Variables: $cluster, $worker (a label `instance`), $operator. Figures of the group as a whole know no worker, and some no operator.
"""

import json
from pathlib import Path

from deploy.grafana.panels import GREEN, RED, YELLOW, Dashboard, Panel, Query, document

FOLDER = Path(__file__).parent

GROUP = 'cluster=~"$cluster"'
WORKER = f'{GROUP}, instance=~"$worker"'
OPERATOR = f'{WORKER}, operator=~"$operator"'


def rate(metric: str, where: str = WORKER, by: str = "") -> str:
    """Events a second, in all or by labels."""
    return f"sum{f' by ({by})' if by else ''} (rate({metric}{{{where}}}[$__rate_interval]))"


def share(part: str, whole: str) -> str:
    """One rate divided by another; nothing where there is no whole."""
    return f"{part} / ({whole} > 0)"


def quantiles(metric: str) -> list[Query]:
    """Median and 99th percentile of a histogram."""
    buckets = rate(f"{metric}_bucket", by="le")
    return [Query(f"histogram_quantile({q}, {buckets})", f"p{100 * q:.0f}") for q in (0.5, 0.99)]


def mean(metric: str, by: str = "") -> str:
    """Mean of a histogram's values."""
    return f"{rate(f'{metric}_sum', by=by)} / {rate(f'{metric}_count', by=by)}"


def largest(expr: str, label: str, count: int = 8, some: str = "") -> Query:
    """By a label, the series that are largest over all the time that is shown, so many at most. `some` = "> 0" leaves out what is nothing.

    `topk` alone picks anew at each point in time: lines come and go, and are more than so many.
    """
    mean = f"avg_over_time(({expr})[$__range:$__rate_interval] @ end())"
    return Query(f"({expr}) and topk({count}, {mean}{f' {some}' if some else ''})", f"{{{{{label}}}}}")


def stat(title: str, about: str, expr: str, unit: str = "short", steps: list[tuple[float, str]] | None = None, **more: object) -> Panel:
    """A single figure; six of them fill a row."""
    told = {"kind": "stat", "width": 4, "steps": steps or [], **more}
    return Panel(title, about, [Query(expr, "{{version}}" if more.get("text") else "")], unit, **told)  # type: ignore[arg-type]


OVERVIEW = Dashboard(
    "overview",
    "Overview",
    "Is it working? The first row tells, from left to right: somebody works, messages are answered, alerts leave, nothing waits.",
    [
        stat(
            "Workers up",
            "Workers that answer Prometheus.",
            f'sum(up{{job="scamsieve", {WORKER}}})',
            steps=[(1, GREEN)],
            alerts=["ScamSieveNoWorkers", "ScamSieveWorkerDown"],
        ),
        stat(
            "Records answered",
            "Records judged, or made a dead letter, a second.",
            rate("scamsieve_judged_seconds_count"),
            "cps",
            alerts=["ScamSieveNoMessages"],
        ),
        stat("Alerts out", "Flagged or to be reviewed, a second.", rate("scamsieve_alerts_total", OPERATOR), "cps", decimals=1),
        stat(
            "Waiting",
            "Records not yet judged, of the whole group.",
            f"sum(cluster:scamsieve_lag:messages{{{GROUP}}})",
            steps=[(10_000, YELLOW), (1_000_000, RED)],
            alerts=["ScamSieveLagGrowing"],
        ),
        stat(
            "Oldest waiting",
            "Age of the oldest record not yet judged.",
            f"max(cluster:scamsieve_oldest:seconds{{{GROUP}}})",
            "s",
            [(5, YELLOW), (60, RED)],
            alerts=["ScamSieveOldestMessageTooOld"],
        ),
        stat("Model", "The model that judges.", f"count by (version) (scamsieve_model_info{{{WORKER}}})", text=True),
        Panel(
            "Messages by operator",
            "Messages judged a second. Operators that the policy does not name are `other`.",
            [largest(rate("scamsieve_messages_total", OPERATOR, "operator"), "operator")],
            "cps",
            width=12,
            stacked=True,
        ),
        Panel(
            "Alerts by decision",
            "Flagged, and left to a person's review, a second.",
            [Query(rate("scamsieve_alerts_total", OPERATOR, "decision"), "{{decision}}")],
            "cps",
            width=12,
        ),
        Panel(
            "Latency",
            "From the Kafka record's timestamp to the committed decision. The objective: 99 % within 1 s.",
            quantiles("scamsieve_judged_seconds"),
            "s",
            alerts=["ScamSieveBudgetBurn"],
            steps=[(1, RED)],
        ),
        Panel(
            "Waiting",
            "Records not yet judged, of the whole group.",
            [Query(f"sum by (cluster) (cluster:scamsieve_lag:messages{{{GROUP}}})", "waiting {{cluster}}")],
            alerts=["ScamSieveLagGrowing"],
        ),
        Panel(
            "Oldest waiting",
            "Age of the oldest record not yet judged. Over a minute, somebody is called.",
            [Query(f"max by (cluster) (cluster:scamsieve_oldest:seconds{{{GROUP}}})", "oldest {{cluster}}")],
            "s",
            alerts=["ScamSieveOldestMessageTooOld"],
            steps=[(60, RED)],
        ),
        Panel(
            "Errors",
            "Shares of the records that could not be read, and of the transactions that were aborted.",
            [
                Query(share(rate("scamsieve_dead_letters_total"), rate("scamsieve_judged_seconds_count")), "dead letters"),
                Query(
                    share(rate("scamsieve_transactions_total", f'{WORKER}, outcome="aborted"'), rate("scamsieve_transactions_total")),
                    "aborted transactions",
                ),
            ],
            "percentunit",
            alerts=["ScamSieveDeadLetters", "ScamSieveTransactionsAborted"],
            steps=[(0.01, RED)],
        ),
        Panel(
            "Burn rate",
            "How fast the budget of late messages is used, over an hour; at 1 it lasts 30 days, from 14.4 on somebody is called.",
            [Query(f"max by (objective) (cluster_objective:scamsieve_burn:rate1h{{{GROUP}}})", "{{objective}}")],
            alerts=["ScamSieveBudgetBurn"],
            steps=[(14.4, RED)],
        ),
        Panel(
            "Budget left",
            "Of the late messages that the objectives allow in 30 days: 1 % later than a second, 0.1 % later than a minute.",
            [Query(f"1 - max by (objective) (cluster_objective:scamsieve_burn:rate30d{{{GROUP}}})", "{{objective}}")],
            "percentunit",
            alerts=["ScamSieveBudgetBurn"],
            history=True,
        ),
    ],
)

FLAGGED = f'{OPERATOR}, decision="flag"'
HOUR, WEEK_AGO = "[1h]", "[1h] offset 1w"

DETECTION = Dashboard(
    "detection",
    "Detection",
    "What is flagged, and is that as usual?",
    [
        *(
            Panel(
                f"Alerts by {label}",
                f"Flagged or to be reviewed a second, by {label}; the eight most frequent.",
                [largest(rate(metric, where, label), label, some="> 0")],
                "cps",
                width=12,
                stacked=True,
            )
            for label, metric, where in (
                ("operator", "scamsieve_alerts_total", OPERATOR),
                ("category", "scamsieve_alerts_total", OPERATOR),
                ("language", "scamsieve_alerts_seen_total", WORKER),
                ("route", "scamsieve_alerts_seen_total", WORKER),
            )
        ),
        Panel(
            "Share flagged against last week",
            "Flagged messages of all messages, over an hour, and the same a week before.",
            [
                Query(
                    f"sum(rate(scamsieve_alerts_total{{{FLAGGED}}}{when})) / (sum(rate(scamsieve_messages_total{{{OPERATOR}}}{when})) > 0)",
                    name,
                )
                for when, name in ((HOUR, "now"), (WEEK_AGO, "a week ago"))
            ],
            "percentunit",
            width=12,
            alerts=["ScamSieveFlaggedShareUnusual"],
            history=True,
        ),
        Panel(
            "Flagged and to be reviewed",
            "The review band: what is sure enough to be shown to a person, not to be flagged. Shares of all messages.",
            [
                Query(
                    share(rate("scamsieve_alerts_total", f'{OPERATOR}, decision="{decision}"'), rate("scamsieve_messages_total", OPERATOR)),
                    name,
                )
                for decision, name in (("flag", "flagged"), ("review", "to be reviewed"))
            ],
            "percentunit",
            width=12,
        ),
        Panel(
            "Score distribution",
            "Messages a second by score: how sure the model is that they are scams.",
            [Query(rate("scamsieve_score_bucket", by="le"), "{{le}}")],
            kind="heatmap",
            width=12,
            alerts=["ScamSieveScoreDrift"],
        ),
        Panel(
            "Drift",
            "Population stability index of recent scores against the model's own, and its mean over the week before.",
            [
                Query(f"avg(cluster:scamsieve_score_drift:psi{{{GROUP}}})", "now"),
                Query(f"avg(avg_over_time(cluster:scamsieve_score_drift:psi{{{GROUP}}}[7d] offset 1h))", "usual"),
            ],
            width=12,
            alerts=["ScamSieveScoreDrift"],
            history=True,
        ),
        Panel(
            "Shadow disagreement",
            "Messages that the shadow model decides otherwise, of those that it judged, by language; the five largest shares.",
            [
                largest(
                    share(
                        rate("scamsieve_shadow_disagreements_total", OPERATOR, "language"),
                        rate("scamsieve_shadow_messages_total", OPERATOR, "language"),
                    ),
                    "language",
                    5,
                )
            ],
            "percentunit",
            width=12,
            alerts=["ScamSieveShadowDisagreement"],
        ),
        Panel(
            "From sent to alert",
            "Seconds from the message's sent_at to the alert. For information: it trusts the senders' clocks.",
            quantiles("scamsieve_sent_to_alert_seconds"),
            "s",
            width=12,
        ),
    ],
)

WORKERS = Dashboard(
    "worker",
    "Worker",
    "How do the workers do?",
    [
        Panel(
            "Time by stage",
            "Mean seconds of a batch in each stage. `deliver` is Kafka's.",
            [Query(mean("scamsieve_stage_seconds", "stage"), "{{stage}}")],
            "s",
            stacked=True,
            alerts=["ScamSieveBudgetBurn", "ScamSieveLagGrowing"],
        ),
        Panel("Batch size", "Records of a batch.", quantiles("scamsieve_batch_messages")),
        Panel(
            "CPU cores",
            "Cores in use. A worker uses little more than one.",
            [largest(f'rate(process_cpu_seconds_total{{job="scamsieve", {WORKER}}}[$__rate_interval])', "instance")],
            decimals=2,
        ),
        Panel(
            "Memory",
            "Resident memory.",
            [largest(f'process_resident_memory_bytes{{job="scamsieve", {WORKER}}}', "instance")],
            "bytes",
        ),
        Panel(
            "Open files",
            "Share of the files and sockets that the process may open.",
            [
                largest(
                    f'process_open_fds{{job="scamsieve", {WORKER}}} / process_max_fds{{job="scamsieve", {WORKER}}}',
                    "instance",
                )
            ],
            "percentunit",
            steps=[(0.8, RED)],
        ),
        Panel(
            "Time since start",
            "A saw-tooth is a worker that is started again and again.",
            [largest(f'time() - process_start_time_seconds{{job="scamsieve", {WORKER}}}', "instance")],
            "s",
            alerts=["ScamSieveWorkerDown"],
        ),
        Panel(
            "Rebalances",
            "Times that a worker was dealt partitions, in 5 minutes.",
            [largest(f"increase(scamsieve_rebalances_total{{{WORKER}}}[5m])", "instance")],
            alerts=["ScamSieveTransactionsAborted", "ScamSieveLagGrowing"],
        ),
        Panel(
            "Transactions",
            "Batches a second.",
            [Query(rate("scamsieve_transactions_total", by="outcome"), "{{outcome}}")],
            "cps",
            alerts=["ScamSieveTransactionsAborted"],
        ),
        Panel(
            "Dead letters by code",
            "Records a second that could not be read or judged; the eight most frequent codes.",
            [largest(rate("scamsieve_dead_letters_total", by="code"), "code", some="> 0")],
            "cps",
            alerts=["ScamSieveDeadLetters", "ScamSieveInternalErrors"],
        ),
        Panel(
            "Waiting by partition",
            "Records not yet judged by the group; the eight longest.",
            [largest(f"max by (partition) (scamsieve_group_lag_messages{{{GROUP}}})", "partition")],
            alerts=["ScamSieveLagGrowing"],
        ),
        Panel(
            "Oldest by partition",
            "Age of the oldest record not judged by the group; the eight oldest.",
            [largest(f"max by (partition) (scamsieve_group_oldest_unread_seconds{{{GROUP}}})", "partition")],
            "s",
            alerts=["ScamSieveOldestMessageTooOld"],
            steps=[(60, RED)],
        ),
        Panel(
            "Waiting by worker",
            "What each worker has before it in its own partitions.",
            [largest(f"sum by (instance) (scamsieve_consumer_lag_messages{{{WORKER}}})", "instance")],
            alerts=["ScamSieveLagGrowing"],
        ),
        Panel(
            "Fields that cannot be read",
            "Optional fields that were left out because they could not be read, a second. Senders' clocks that are ahead, too.",
            [
                largest(rate("scamsieve_ignored_fields_total", by="field"), "field", 7),
                Query(rate("scamsieve_skewed_clocks_total"), "clock ahead"),
            ],
            "cps",
        ),
        Panel(
            "Alerts read by the agents",
            "Records of the alert topic a second: counted, copies, unreadable ones.",
            [Query(rate("scamsieve_agent_alerts_total", by="outcome"), "{{outcome}}")],
            "cps",
        ),
        Panel(
            "Reloads",
            "Policies and models taken or refused, in an hour; shadow models that were switched off.",
            [
                Query(f"sum by (outcome) (increase(scamsieve_policy_reloads_total{{{WORKER}}}[1h]))", "policy {{outcome}}"),
                Query(f"sum by (outcome) (increase(scamsieve_model_reloads_total{{{WORKER}}}[1h]))", "model {{outcome}}"),
                Query(f"sum(increase(scamsieve_shadow_failures_total{{{WORKER}}}[1h]))", "shadow off"),
            ],
            alerts=["ScamSieveModelReloadRefused", "ScamSievePolicyReloadRefused"],
        ),
        Panel(
            "Certificates",
            "Time left; the eight that end first.",
            [Query(f"bottomk(8, min by (file) (scamsieve_certificate_expiry_seconds{{{WORKER}}}) - time())", "{{file}}")],
            "s",
            alerts=["ScamSieveCertificateExpiring"],
        ),
    ],
)

DASHBOARDS = (OVERVIEW, DETECTION, WORKERS)

LEFT_OUT = {
    "process_virtual_memory_bytes": "address space says nothing; resident memory is shown",
    "python_info": "the version of Python matters to nobody at night",
}
"""Metrics that a worker exports and that are on no dashboard and in no rule, and why."""


def files() -> dict[Path, str]:
    """The text of each file."""
    return {FOLDER / f"{one.name}.json": json.dumps(document(one), indent=1, ensure_ascii=False) + "\n" for one in DASHBOARDS}


def main() -> None:
    """Write them."""
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
