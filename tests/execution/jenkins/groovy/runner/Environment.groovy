package runner

/**
 * The environment of a step: agent, build, `env.X = y`, then withEnv and the like from the outside in
 * (workflow-step-api, EnvironmentExpander.getEffectiveEnvironment).
 */
class Environment {
    static Map<String, String> of(Build build, Frame frame) {
        Map<String, String> all = [:]
        Scenario scenario = build.scenario
        if (frame.allocation != null) {
            all.putAll((Map) scenario.agent_env)
            all.putAll(frame.allocation.environment())
        }
        all.putAll(ofBuild(build))
        all.putAll((Map) scenario.env)
        scenario.params.each { name, value -> all[(String) name] = value.toString() }
        all.putAll(build.env)
        frame.overrides.each { Map<String, String> changes ->
            changes.each { name, value -> override(all, name, value) }
        }
        all
    }

    private static Map<String, String> ofBuild(Build build) {
        String number = build.scenario.number
        String job = build.scenario.job
        String home = 'http://jenkins.invalid/'
        String address = "${home}job/${job.replace('/', '/job/')}/"
        [
            BUILD_NUMBER: number, BUILD_ID: number, BUILD_DISPLAY_NAME: build.displayName, JOB_NAME: job,
            JOB_BASE_NAME: job.tokenize('/').last(), BUILD_TAG: "jenkins-${job.replace('/', '-')}-${number}".toString(),
            JENKINS_URL: home, JOB_URL: address, BUILD_URL: "${address}${number}/".toString(), CI: 'true',
        ].collectEntries { name, value -> [name, value.toString()] }
    }

    /** hudson.EnvVars.override: NAME+ANYTHING prepends a path. */
    private static void override(Map<String, String> all, String name, String value) {
        int plus = name.indexOf('+')
        if (plus > 0) {
            String real = name.substring(0, plus)
            all[real] = all[real] ? value + ':' + all[real] : value
        } else {
            all[name] = value
        }
    }
}
