package runner

import hudson.AbortException

/**
 * `checkout scm`: the commit of the scenario really fetched into the workspace, detached, by the branch's refspecs
 * (git@add6e4dc: GitSCMBuilder, GitSCM.buildEnvironment). A workspace that has files already keeps those that git doesn't
 * know.
 */
class Scm {
    static Map<String, String> checkout(Build build, Frame frame, Object scm) {
        if (scm != null && !build.scm.accepts(scm)) {
            throw build.refuse("checkout of ${scm}: only scm and its parts are known")
        }
        Scenario scenario = build.scenario
        String address = 'file://' + scenario.repository
        build.abortPoint('checkout', frame)
        build.event(kind: 'checkout', stage: Steps.stageName(frame), allocation: frame.allocation.number,
            extensions: scm instanceof Map ? scm.extensions.collect { it.$class } : [])
        List<List<String>> commands = [
            ['git', 'init', '-q', '.'],
            ['git', 'fetch', '-q', scenario.tags ? '--tags' : '--no-tags', '--force', address] + scenario.refspecs,
        ]
        build.await(frame) { Wait wait ->
            commands.each { List<String> command -> git(frame, command) }
            if (git(frame, ['git', 'cat-file', '-e', scenario.commit + '^{commit}'], false) != 0) {
                git(frame, ['git', 'fetch', '-q', '--no-tags', address, (String) scenario.commit])
            }
            git(frame, ['git', 'config', 'remote.origin.url', address])
            git(frame, ['git', 'checkout', '-q', '-f', '--detach', (String) scenario.commit])
        }
        Map<String, String> facts = [GIT_COMMIT: scenario.commit, GIT_URL: address, GIT_BRANCH: branch(scenario)]
        if (scenario.previous_commit) {
            facts.GIT_PREVIOUS_COMMIT = scenario.previous_commit
        }
        if (scenario.previous_successful_commit) {
            facts.GIT_PREVIOUS_SUCCESSFUL_COMMIT = scenario.previous_successful_commit
        }
        facts
    }

    private static String branch(Scenario scenario) {
        scenario.env.BRANCH_NAME ?: 'detached'
    }

    private static int git(Frame frame, List<String> command, boolean strict = true) {
        frame.folder.mkdirs()
        ProcessBuilder builder = new ProcessBuilder(command).directory(frame.folder).redirectErrorStream(true)
        builder.environment().putAll([
            GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_CEILING_DIRECTORIES: frame.folder.parent,
            GIT_TERMINAL_PROMPT: '0',
        ])
        Process process = builder.redirectInput(new File('/dev/null')).start()
        String output = process.inputStream.getText('UTF-8')
        int status = process.waitFor()
        if (strict && status != 0) {
            throw new AbortException("${command.take(2).join(' ')} returned ${status}: ${output.trim()}")
        }
        status
    }
}
