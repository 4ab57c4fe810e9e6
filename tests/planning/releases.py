"""Broken releases. ◆ and ① as in `cases`."""

from __future__ import annotations

from tests.planning.case import Case
from tests.plans import HEAD

ARTIFACTS = """artifacts:
  code: {kind: code, path: src/}
  model: {kind: model, path: model.bin}
  scored: {kind: data, path: scored.json}
"""
LIVE = "environments: {live: {}}\n"
STEPS = (
    LIVE
    + ARTIFACTS
    + """releases:
  live:
    deploys: [code]
    adapter: {ADAPTER}
    canary: {steps: STEPS, observations: {command: x}, metrics: {bad: {rate: {max: 0.1}}}}
"""
)
NGINX = "nginx: {name: shop, folder: /srv/shop, ports: [81, 82, 83], status: 84, start: x, stop: x}"
KSERVE = "kserve: {service: churn, storage_uri: 's3://m/{release}'}"
MLFLOW = "mlflow_alias: {url: 'https://ml', model: churn, publish: x}"
ALIAS = LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], adapter: {ADAPTER}}\n"
RELEASES = (
    Case(
        "a release without an environment",
        ARTIFACTS + "releases:\n  ◆live: {deploys: [code], run: make, rollback: none}\n",
        "no-environment", "the release 'live' goes into the environment of its id, and there is none",
        help="add `environments: {live: {}}`, or name another under `environment`",
    ),
    Case(
        "a release into an environment that isn't there",
        LIVE + ARTIFACTS + "releases:\n  ship: {deploys: [code], run: make, rollback: none, environment: ◆lief}\n",
        "unknown-environment", "there is no environment 'lief'", help="did you mean 'live'?",
    ),
    Case(
        "a release of an artifact that isn't there",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [◆cod], run: make, rollback: none}\n",
        "unknown-artifact", "there is no artifact 'cod'", help="did you mean 'code'?",
    ),
    Case(
        "a release with legs",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], run: make, rollback: none, ◆matrix: {axes: {zone: [a, b]}}}\n",
        "release-matrix", "a release is one whole: with legs, one could be undone while another stays",
        help="write a release for each, or loop in its command",
    ),
    Case(
        "a release with a cache",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], run: make, rollback: none,\n"
        "    ◆cache: {pip: {path: [~/x], key: [r.txt]}}}\n",
        "release-cache", "what is deployed mustn't depend on what another run left behind",
        help="let a job with the cache write an artifact, and name that under `deploys`",
    ),
    Case(
        "a release that follows a failure",
        LIVE + ARTIFACTS + "jobs:\n  train: {run: make, writes: [model]}\n"
        "releases:\n  live: {deploys: [code], needs: [train], run: make, rollback: none,\n    ◆when: {status: failure}}\n",
        "release-status", "a release follows what passed, not how others ended", help="name what must end first under `needs`",
    ),
    Case(
        "a rollback that wants what was deployed",
        LIVE + ARTIFACTS + 'releases:\n  live: {deploys: [code], run: make, rollback: {run: ◆"undo ${ARTIFACT_CODE}"}}\n',
        "rollback-artifact", "a rollback takes no artifact: ARTIFACT_CODE is unset there",
        help="let it bring back what ran before, which isn't what was deployed",
    ),
    Case(
        "nobody says what undoes a release",
        LIVE + ARTIFACTS + "releases:\n  ◆live: {deploys: [code], run: make}\n",
        "no-rollback", "it isn't said what undoes this release",
        help="`rollback: {run: …}`, or `rollback: none` where nothing can",
    ),
    Case(
        "a lease of a release that has no candidate",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], run: make, rollback: {run: make, ◆lease: 1h}}\n",
        "bad-rollback", "`lease` is for releases with an `adapter`",
    ),
    Case(
        "what reconciles can't ask a job",
        LIVE + ARTIFACTS + "jobs:\n  train: {run: make, outputs: [N]}\n"
        "releases:\n  live: {deploys: [code], adapter: {command: make},\n"
        "    env: {N: ◆{output: train.N}}, rollback: {reconcile: nightly}}\n",
        "bad-rollback", "N comes from a job of the run, and what reconciles runs without it",
        help="give it as a text, a variable or a secret, or leave `reconcile` out",
        head=HEAD.replace("{push:", "{schedule: {nightly: '13 2 * * *'}, push:"),
    ),
    Case(
        "a rollback by hand can't ask a job",
        LIVE + ARTIFACTS + "jobs:\n  train: {run: make, outputs: [N]}\n"
        "releases:\n  live: {deploys: [code], run: make, env: {N: ◆{output: train.N}}, rollback: {run: make, manual: undo}}\n",
        "bad-rollback", "N comes from a job of the run, and a rollback by hand runs without it",
        help="give it as a text, a variable or a secret, or leave `manual` out",
        head=HEAD.replace("{push:", "{manual: {undo: {}}, push:"),
    ),
    Case(
        "a rollback by a trigger that isn't there",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], run: make, rollback: {run: make, ◆manual: undoo}}\n",
        "unknown-trigger", "there is no trigger 'undoo'", help="did you mean 'undo'?",
        head=HEAD.replace("{push:", "{manual: {undo: {}}, push:"),
    ),
    Case(
        "golden queries to nobody knows where",
        LIVE + ARTIFACTS
        + "releases:\n  live: {deploys: [code], run: make, rollback: none, verify: {◆answers: {golden: g.json}}}\n",
        "bad-verify", "a command doesn't tell where the server is that it deployed to",
        help="add its `url`: https://staging.example.com",
    ),
    Case(
        "golden queries to a candidate whose address isn't told",
        LIVE + ARTIFACTS
        + f"releases:\n  live: {{deploys: [code], adapter: {{{KSERVE}}}, verify: {{◆answers: {{golden: g.json}}}}}}\n",
        "bad-verify", "`kserve` doesn't tell at which address the candidate is",
        help="add the `url` of the candidate alone, not that of what is live; or ask it by `command`",
    ),
    Case(
        "golden queries to what is no address",
        LIVE + ARTIFACTS
        + "releases:\n  live: {deploys: [code], run: make, rollback: none, verify: {answers: {url: ◆ftp://h, golden: g.json}}}\n",
        "bad-gate", "the address is no URL of http or https",
        help="it has a scheme, a host, and a port and a path if need be: https://staging.example.com",
    ),
    Case(
        "golden queries to what may be live",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], adapter: {command: make},\n"
        "    verify: {answers: {url: ◆'http://h', golden: g.json}}}\n",
        "bad-verify", "`command` tells the candidate's address, and what is at this one may be what is live",
        help="leave `url` out",
    ),
    Case(
        "observations that were recorded",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], adapter: {command: make},\n"
        "    canary: {steps: [5], ◆observations: {file: s.json}, metrics: {errors: {rate: {max: 0.1}}}}}\n",
        "bad-canary", "what was recorded tells nothing of this candidate", help="observe by `command` or `prometheus`",
    ),
    Case(
        "a held candidate that nobody looks for",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], adapter: {command: make},\n"
        "    canary: {steps: [5], observations: {command: x}, on_inconclusive: ◆hold, metrics: {errors: {rate: {max: 0.1}}}}}\n",
        "bad-canary", "a candidate that is held stays beyond its lease: nothing looks for it",
        help="name a schedule under `rollback.reconcile`: {schedule: {hourly: '17 * * * *'}}",
    ),
    Case(
        "a lease that ends before what was deployed is verified",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], adapter: {command: make}, timeout: 1h,\n"
        "    verify: {command: {run: x}}, rollback: {◆lease: 90m}}\n",
        "bad-rollback", "the lease (90m) ends before a step may have: it takes up to 7200 s",
        help="let `rollback.lease` be 2h or more, or the steps shorter",
    ),
    Case(
        "a rollback that is ended while it drains",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], adapter: {command: make}, rollback: {drain: ◆5m}}\n",
        "bad-rollback", "the rollback would be ended after 10m, while it drains (5m, twice at most)",
        help="let `rollback.timeout` be more than twice as long, or `drain` shorter",
    ),
    Case(
        "a schedule that undoes what is live",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], run: make, rollback: {run: make, manual: ◆nightly}}\n",
        "bad-rollback", "'nightly' comes by itself, and a person decides to undo what is live",
        help="name a form of `triggers.manual`, or a dispatch, that does nothing else",
        head=HEAD.replace("{push:", "{schedule: {nightly: '13 2 * * *'}, push:"),
    ),
    Case(
        "a watch by no limits",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], adapter: {command: make}, ◆after_promote: {watch: 5m}}\n",
        "bad-canary", "what is live is watched by the limits of a canary, and there is none",
        help="add a `canary`, or leave `after_promote` out",
    ),
    Case(
        "a watch without a rate",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], adapter: {command: make}, after_promote: {watch: 5m},\n"
        "    canary: {steps: [5], observations: {command: x}, metrics: ◆{scores: {histogram: s}}}}\n",
        "bad-gate", "nothing is left to judge where there is no control: no metric is a `rate`",
        help="such as errors: {rate: {max: 0.01}}",
    ),
    Case(
        "a preview that no pull request shows",
        LIVE + ARTIFACTS + "releases:\n  ◆live: {deploys: [code], run: make, rollback: none, preview: {run: plan}}\n",
        "never-runs", "no trigger of this spec can run 'live-preview'",
        help="its `when` doesn't allow it: the event is push",
    ),
    Case(
        "a rollback beside an adapter",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], adapter: {command: make}, ◆rollback: none}\n",
        "bad-rollback", "an adapter's own verb undoes the release",
    ),
    Case(
        "a canary of a command",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], run: make, rollback: none,\n"
        "    ◆canary: {steps: [5], observations: {command: look}, metrics: {errors: {rate: {max: 0.01}}}}}\n",
        "bad-canary", "a command can't give a candidate a share of the requests", help="release through an `adapter`",
    ),
    Case(
        "shares that don't grow",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], adapter: {command: make},\n"
        "    canary: {steps: ◆[25, 5], observations: {command: look}, metrics: {errors: {rate: {max: 0.01}}}}}\n",
        "bad-canary", "each step's share is larger than the one before, from 0.01 to 99.99 percent",
    ),
    Case(
        "a lease that ends while a step is watched",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], adapter: {command: make}, rollback: {◆lease: 1h},\n"
        "    canary: {steps: [5], bake: 1h, observations: {command: look}, metrics: {errors: {rate: {max: 0.01}}}}}\n",
        "bad-rollback", "the lease (1h) ends before a step may have: it takes up to 4200 s",
        help="let `rollback.lease` be 2h or more, or the steps shorter",
    ),
    Case(
        "a step that outlasts the usual lease",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], adapter: {command: make},\n"
        "    ◆canary: {steps: [5], bake: 3h, observations: {command: look}, metrics: {errors: {rate: {max: 0.01}}}}}\n",
        "bad-rollback", "the lease (2h) ends before a step may have: it takes up to 11400 s",
        help="let `rollback.lease` be 4h or more, or the steps shorter",
    ),
    Case(
        "a lease that ends while a step has more time",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], adapter: {command: make}, rollback: {◆lease: 1h},\n"
        "    canary: {steps: [5], bake: 30m, max_extend: 2.5x, observations: {command: look},\n"
        "      metrics: {errors: {rate: {max: 0.01}}}}}\n",
        "bad-rollback", "the lease (1h) ends before a step may have: it takes up to 5100 s",
        help="let `rollback.lease` be 2h or more, or the steps shorter",
    ),
    Case(
        "a candidate whose address nobody tells",
        STEPS.replace("ADAPTER", KSERVE).replace("STEPS", "[5], liveness: {url: ◆/healthz}"),
        "bad-canary", "`kserve` doesn't tell at which address the candidate is, so /healthz can't be asked",
        help="write the whole address; the adapters that tell it are `command`, `nginx`",
    ),
    Case(
        "a step that is watched for longer than any CI system waits",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], adapter: {command: make}, rollback: {lease: 9d},\n"
        "    ◆canary: {steps: [5, {weight: 50, bake: 8d}], observations: {command: look},\n"
        "      metrics: {errors: {rate: {max: 0.01}}}}}\n",
        "bad-canary", "a step is watched for 7d at most",
        help="let `bake` be 7d or less",
    ),
    Case(
        "traffic that can't show a limit",
        LIVE + ARTIFACTS + "releases:\n  live: {deploys: [code], adapter: {command: make},\n"
        "    canary: {steps: [5], bake: 10m, traffic: {expected_rps: 10}, observations: {command: look},\n"
        "      metrics: {errors: {rate: {max: ◆0.01}}}}}\n",
        "bad-gate",
        "5 % of 10 requests a second for 600 s is 300 requests, and showing a rate of at most 1 % needs 455, "
        "even without a bad one: the gate would always be inconclusive",
        help="a `bake` of 16m, or a `weight` of 8 would do",
    ),
    Case(
        "a job has the name of a rollback",
        LIVE + ARTIFACTS + "jobs:\n  ①live-rollback: {run: make}\n"
        "releases:\n  ◆live: {deploys: [code], run: make, rollback: {run: make}}\n",
        "duplicate-id", "'live-rollback' names two nodes", others=("first used here",),
        help="jobs, gates, releases, fetch-ARTIFACT, build-ARTIFACT and RELEASE-rollback share one set of ids",
    ),
    Case(
        "a release deploys a measurement",
        LIVE + ARTIFACTS + "jobs:\n  train: {run: make, writes: [model]}\n"
        "  ①score: {run: make, evaluates: [model], writes: [scored]}\n"
        "releases:\n  ◆live: {deploys: [scored], run: make, rollback: none}\n",
        "reads-evaluation", "'scored' is a measurement made before the gates: only gates read it",
        others=("it evaluates, and writes it",), help="let a job that `reads` the model write an artifact of its own",
    ),
    Case(
        "a share that an adapter can't set",
        STEPS.replace("ADAPTER", "command: ./serve").replace("STEPS", "[5, ◆7.125]"),
        "bad-canary", "`command` sets shares in 2 decimals, and 7.125 isn't one",
    ),
    Case(
        "a share that an adapter can't set, in a step with a time of its own",
        STEPS.replace("ADAPTER", "command: ./serve").replace("STEPS", "[5, {weight: ◆7.125, bake: 1h}]"),
        "bad-canary", "`command` sets shares in 2 decimals, and 7.125 isn't one",
    ),
    Case(
        "servers behind nginx in the repository",
        STEPS.replace("ADAPTER", NGINX.replace("/srv/shop", "◆srv/shop")).replace("STEPS", "[5]"),
        "bad-adapter", "the folder is no absolute path of letters, digits, '.', '_' and '-'",
        help="it stays between runs, so it can't lie in the checked out repository: /srv/churn",
    ),
    Case(
        "servers behind nginx with a port twice",
        STEPS.replace("ADAPTER", NGINX.replace("[81, 82, 83]", "◆[81, 82, 81]")).replace("STEPS", "[5]"),
        "bad-adapter", "the port 81 stands here twice, or is `status`, too",
    ),
    Case(
        "servers behind nginx that are asked no path",
        STEPS.replace("ADAPTER", NGINX.replace("stop: x", "stop: x, liveness: ◆health")).replace("STEPS", "[5]"),
        "bad-adapter", "the path of a URL starts with '/' and has no spaces: /healthz",
    ),
    Case(
        "a canary where there are no weights",
        STEPS.replace("ADAPTER", MLFLOW).replace("canary:", "◆canary:").replace("STEPS", "[5]"),
        "bad-canary", "`mlflow_alias` has no weights: what it releases gets all requests or none",
        help="leave `canary` out: a gate judges what is released before, and `rollback` brings back what was live",
    ),
    Case(
        "a share that isn't a whole percent",
        STEPS.replace("ADAPTER", KSERVE).replace("STEPS", "[◆2.5, 5]"),
        "bad-canary", "`kserve` sets shares in whole percents, and 2.5 isn't one",
    ),
    Case(
        "each release at the same address",
        STEPS.replace("ADAPTER", KSERVE.replace("'s3://m/{release}'", "◆'s3://m/model'")).replace("STEPS", "[5]"),
        "bad-adapter", "the address has no `{release}`, or signs that no address has: each release has its own",
        help="s3://models/{release}",
    ),
    Case(
        "an object of a cluster that can't be",
        STEPS.replace("ADAPTER", KSERVE.replace("churn", "◆-n")).replace("STEPS", "[5]"),
        "bad-adapter", "a name has lower-case letters, digits, '-' and '.', and at most 253 characters",
    ),
    Case(
        "a token in the clear",
        ALIAS.replace("ADAPTER", MLFLOW.replace("https", "http").replace("}", ", token: ◆TOKEN}")),
        "bad-adapter", "a token goes over an encrypted line only", help="let `url` begin with https://",
    ),
    Case(
        "an alias that is MLflow's own",
        ALIAS.replace("ADAPTER", MLFLOW.replace("}", ", alias: ◆Latest}")),
        "bad-adapter", "an alias has letters, digits, '_' and '-'; `latest` and those such as v1 are MLflow's own",
    ),
    Case(
        "a server that is none",
        ALIAS.replace("ADAPTER", MLFLOW.replace("'https://ml'", "◆sqlite:///m.db")),
        "bad-adapter", "the server is http://HOST or https://HOST, with a port and a path if need be",
    ),
    Case(
        "an id that SageMaker can't take",
        "environments: {li_ve: {}}\n" + ARTIFACTS
        + "releases:\n  li_ve: {deploys: [code], adapter: {sagemaker: ◆{endpoint: churn, publish: x}}}\n",
        "bad-adapter", "SageMaker's names have letters, digits and '-', and the id 'li_ve' becomes part of one",
        help="name the release without '_', in at most 40 characters",
    ),
    Case(
        "an endpoint that can't be",
        ALIAS.replace("ADAPTER", "sagemaker: {endpoint: ◆churn_model, publish: x}"),
        "bad-adapter", "an endpoint's name has letters, digits and '-', and at most 63 of them",
    ),
    Case(
        "a region that can't be",
        ALIAS.replace(
            "ADAPTER", "vertex: {endpoint: '1', region: ◆-q, project: p, model: 'm-{release}', machine_type: n1, publish: x}"
        ),
        "bad-adapter", "this is a word of letters, digits, '-', '_', '.' and ':'",
    ),
)  # fmt: skip
