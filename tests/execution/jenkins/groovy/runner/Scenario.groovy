package runner

import groovy.json.JsonSlurper

/**
 * What one run is given; every key is described in runner.py. Unknown keys and missing ones are refused.
 */
class Scenario {
    private static final Map DEFAULTS = [
        env: [:], agent_env: [:], credentials: [:], params: [:], causes: [], agents: [:], inputs: [:], faults: [],
        refspecs: ['+refs/heads/*:refs/remotes/origin/*'], tags: false, missing_agent: 'fail', reuse_workspaces: false,
        previous: [], caches: null, previous_commit: null, previous_successful_commit: null, number: 1, job: 'scratch',
        kill_grace: 5.0, controller: null, time_scale: 1.0, time_limit: 120.0, grace_period: 60.0,
    ]
    private static final List REQUIRED = ['jenkinsfile', 'repository', 'commit', 'folder']
    private static final Map FAULT = [at: null, stage: null, env: [:], allocation: null, act: null, after: 0.0, resource: null]

    final Map values

    Scenario(File file) {
        Map given = (Map) new JsonSlurper().parse(file, 'UTF-8')
        List unknown = given.keySet().findAll { !(it in REQUIRED) && !DEFAULTS.containsKey(it) }.toList()
        List missing = REQUIRED.findAll { !given.containsKey(it) }
        if (unknown || missing) {
            throw new RunnerError("scenario: unknown ${unknown}, missing ${missing}")
        }
        values = DEFAULTS + given
        values.faults = values.faults.collect { Map fault -> checkedFault(fault) }
        if (!(values.missing_agent in ['fail', 'wait'])) {
            throw new RunnerError("scenario: missing_agent is fail or wait, not ${values.missing_agent}")
        }
    }

    private static Map checkedFault(Map fault) {
        Map full = FAULT + fault
        boolean known = full.keySet() == FAULT.keySet() && full.act in ['abort', 'lose'] && full.at in Build.POINTS
        if (!known) {
            throw new RunnerError("scenario: unknown fault ${fault}")
        }
        full
    }

    Object propertyMissing(String name) {
        if (!values.containsKey(name)) {
            throw new RunnerError("scenario: no key ${name}")
        }
        values[name]
    }
}
