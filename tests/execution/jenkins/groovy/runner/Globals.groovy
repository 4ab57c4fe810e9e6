package runner

/** `env` (workflow-cps@e007b7ff, EnvActionImpl): reads see the step's surroundings, writes last for the build. */
class EnvGlobal implements PipelineObject {
    private final Build build

    EnvGlobal(Build build) {
        this.build = build
    }

    Set<String> allowed() {
        ['*', '=', 'getEnvironment', 'getProperty'] as Set
    }

    Map<String, String> getEnvironment() {
        Environment.of(this.@build, Frame.current())
    }

    Object getProperty(String name) {
        Environment.of(this.@build, Frame.current())[name]
    }

    void setProperty(String name, Object value) {
        this.@build.env[name] = String.valueOf(value)
        this.@build.event(kind: 'env', name: name, value: Frame.current().mask(String.valueOf(value)))
    }
}

/** What `currentBuild` and earlier builds have in common (workflow-support@3ea02551, RunWrapper). */
abstract class RunWrapper implements PipelineObject {
    static final Set READS = [
        'getResult', 'getCurrentResult', 'getNumber', 'getId', 'getPreviousBuild', 'getPreviousSuccessfulBuild', 'getBuildVariables',
        'resultIsBetterOrEqualTo', 'resultIsWorseOrEqualTo', 'getDisplayName',
    ]

    /** Finished builds, the newest first: result, number, and the variables that they left in `env`. */
    abstract List<Map> earlier()

    abstract String getResult()

    abstract int getNumber()

    abstract Map<String, String> getBuildVariables()

    abstract Build runnerBuild()

    String getCurrentResult() { getResult() ?: 'SUCCESS' }

    String getId() { getNumber().toString() }

    String getDisplayName() { '#' + getNumber() }

    boolean resultIsBetterOrEqualTo(String other) { !Result.worse(getCurrentResult(), Result.parse(other)) }

    boolean resultIsWorseOrEqualTo(String other) { !Result.worse(Result.parse(other), getCurrentResult()) }

    RunWrapper getPreviousBuild() { before { true } }

    /** Run.getPreviousSuccessfulBuild: SUCCESS only, not UNSTABLE. */
    RunWrapper getPreviousSuccessfulBuild() { before { it.result == 'SUCCESS' } }

    private RunWrapper before(Closure<Boolean> wanted) {
        Map found = earlier().find(wanted)
        found == null ? null : new FinishedBuild(runnerBuild(), found)
    }
}

class FinishedBuild extends RunWrapper {
    private final Build build
    private final Map facts

    FinishedBuild(Build build, Map facts) {
        this.build = build
        this.facts = facts
    }

    Set<String> allowed() { READS }

    Build runnerBuild() { build }

    List<Map> earlier() { build.scenario.previous.findAll { it.number < facts.number } }

    String getResult() { facts.result }

    int getNumber() { (int) facts.number }

    Map<String, String> getBuildVariables() { (Map) (facts.variables ?: [:]) }
}

class CurrentBuild extends RunWrapper {
    private final Build build

    CurrentBuild(Build build) {
        this.build = build
    }

    Set<String> allowed() {
        READS + [
            'setResult', 'getBuildCauses', 'getDescription', 'setDescription', 'setDisplayName', 'getProjectName',
            'getFullProjectName',
        ]
    }

    Build runnerBuild() { build }

    List<Map> earlier() { (List<Map>) build.scenario.previous }

    String getResult() { build.result }

    void setResult(String result) { build.worsen(Result.parse(result)) }

    int getNumber() { (int) build.scenario.number }

    Map<String, String> getBuildVariables() { new LinkedHashMap<>(build.env) }

    List<Map> getBuildCauses() { (List<Map>) build.scenario.causes }

    /** RunWrapper.getBuildCauses(String): by class name. */
    List<Map> getBuildCauses(String type) { build.scenario.causes.findAll { it._class == type } }

    String getDescription() { build.description }

    void setDescription(String text) { build.description = text }

    String getDisplayName() { build.displayName }

    void setDisplayName(String text) { build.displayName = text }

    String getProjectName() { getFullProjectName().tokenize('/').last() }

    String getFullProjectName() { (String) build.scenario.job }
}

/** `scm` of a multibranch project (git@add6e4dc, GitSCM: its getters are allowed in the sandbox). */
class ScmGlobal implements PipelineObject {
    final List branches
    final List extensions = []
    final List userRemoteConfigs

    ScmGlobal(String repository, String commit) {
        branches = [[name: commit]]
        userRemoteConfigs = [[url: 'file://' + repository]]
    }

    Set<String> allowed() {
        ['getBranches', 'getExtensions', 'getUserRemoteConfigs'] as Set
    }

    /** What `checkout` takes: this, or a map of GitSCM with these branches and remotes and known extensions. */
    boolean accepts(Object given) {
        given.is(this) || given instanceof Map && given.keySet() == ['$class', 'branches', 'extensions', 'userRemoteConfigs'] as Set &&
            given.$class == 'GitSCM' && given.branches == branches && given.userRemoteConfigs == userRemoteConfigs &&
            given.extensions.every { it instanceof Map && it.$class in ['GitLFSPull', 'SubmoduleOption', 'CloneOption', 'CleanBeforeCheckout'] }
    }
}
