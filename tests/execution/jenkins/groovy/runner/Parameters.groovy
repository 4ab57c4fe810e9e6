package runner

/**
 * The parameters of each step with their types, by the steps' @DataBoundConstructor and @DataBoundSetter; an unknown
 * one is refused, where Jenkins (structs, DescribableModel) refuses or warns.
 *
 * `NAME:TYPE`, required with `!`; the first required one may stand alone. Types: s text, b boolean, i integer,
 * l list, a anything. `body`: the step takes a block. `agent`: the step needs the files of an agent.
 */
class Parameters {
    static final Map<String, Map> STEPS = [
        // workflow-basic-steps@a789b075
        echo: step('message!:s'), error: step('message:s', sole: 'message'), sleep: step('time!:i unit:s'),
        catchError: step('message:s buildResult:s stageResult:s catchInterruptions:b', body: true, sole: 'message'),
        warnError: step('message!:s catchInterruptions:b', body: true), unstable: step('message!:s'),
        timeout: step('time!:i unit:s activity:b', body: true), retry: step('count!:i conditions:l', body: true),
        waitUntil: step('initialRecurrencePeriod:i quiet:b', body: true), withEnv: step('overrides!:l', body: true),
        dir: step('path!:s', body: true, agent: true), deleteDir: step('', agent: true), isUnix: step('', agent: true),
        pwd: step('tmp:b', agent: true), fileExists: step('file!:s', agent: true),
        readFile: step('file!:s encoding:s', agent: true), writeFile: step('file!:s text!:s encoding:s', agent: true),
        stash: step('name!:s includes:s excludes:s useDefaultExcludes:b allowEmpty:b', agent: true),
        unstash: step('name!:s', agent: true),
        // workflow-cps@e007b7ff, pipeline-stage-step@90181c42, pipeline-milestone-step
        stage: step('name!:s', body: true), script: step('', body: true), milestone: step('ordinal:i label:s', sole: 'ordinal'),
        // workflow-durable-task-step@46cb22ff
        sh: step('script!:s returnStatus:b returnStdout:b label:s encoding:s', agent: true),
        node: step('label:s', body: true, sole: 'label'), ws: step('dir!:s', body: true, agent: true),
        // workflow-scm-step
        checkout: step('scm!:a poll:b changelog:b', agent: true),
        // Jenkins core, junit@c64aedde
        archiveArtifacts: step('artifacts!:s excludes:s allowEmptyArchive:b fingerprint:b onlyIfSuccessful:b defaultExcludes:b caseSensitive:b followSymlinks:b', agent: true),
        junit: step('testResults!:s allowEmptyResults:b skipMarkingBuildUnstable:b skipMarkingStageUnstable:b keepLongStdio:b skipPublishingChecks:b healthScaleFactor:a skipOldReports:b stdioRetention:s', agent: true),
        // credentials-binding@0331934a, pipeline-input-step@d2b888df, lockable-resources@cedfe6ed, timestamper
        withCredentials: step('bindings!:l', body: true),
        input: step('message!:s id:s ok:s submitter:s submitterParameter:s parameters:l'),
        lock: step('resource:s label:s quantity:i variable:s inversePrecedence:b skipIfLocked:b priority:i reason:s extra:l resourceSelectStrategy:s timeoutForAllocateResource:i timeoutUnit:s', body: true, sole: 'resource'),
        timestamps: step('', body: true),
        // jobcacher@0cb60706
        cache: step('maxCacheSize:i caches!:l defaultBranch:s skipSave:b skipRestore:b', body: true, agent: true),
    ]

    /** What isn't a step but an argument of one: symbols, by their plugins. */
    static final Map<String, Map> SYMBOLS = [
        string: step('credentialsId:s variable:s name:s defaultValue:s description:s trim:b'),
        file: step('credentialsId!:s variable!:s'),
        usernamePassword: step('credentialsId!:s usernameVariable!:s passwordVariable!:s'),
        booleanParam: step('name!:s defaultValue:b description:s'), text: step('name!:s defaultValue:s description:s'),
        password: step('name!:s defaultValue:s description:s'), choice: step('name!:s choices:a description:s'),
        logRotator: step('daysToKeepStr:s numToKeepStr:s artifactDaysToKeepStr:s artifactNumToKeepStr:s'),
        arbitraryFileCache: step('path!:s cacheName:s includes:s excludes:s cacheValidityDecidingFile:s useDefaultExcludes:b compressionMethod:s'),
        agent: step(''), nonresumable: step(''),
    ]

    private static final Map TYPES = [s: CharSequence, b: Boolean, i: Number, l: Collection, a: Object]

    private static Map step(Map flags = [:], String text) {
        Map types = [:]
        List required = []
        text.tokenize().each { String item ->
            String name = item.tokenize(':!')[0]
            types[name] = item[-1]
            if (item.contains('!')) {
                required << name
            }
        }
        [types: types, required: required, sole: flags.sole ?: (required ? required[0] : null), body: flags.body ?: false, agent: flags.agent ?: false]
    }

    /** Named arguments of `arguments` (without a body): by name, or the one that may stand alone. */
    static Map<String, Object> named(Build build, String name, Map step, List arguments) {
        Map given
        if (arguments.empty) {
            given = [:]
        } else if (arguments.size() == 1 && arguments[0] instanceof Map && !(step.sole && step.types[step.sole] == 'a' && arguments[0].containsKey('$class'))) {
            given = (Map) arguments[0]
        } else if (arguments.size() == 1 && step.sole != null && step.required.size() <= 1) {
            given = [(step.sole): arguments[0]]
        } else {
            throw build.refuse("${name} with the arguments ${arguments}")
        }
        given.collectEntries { key, value -> [key, checked(build, name, step, key.toString(), value)] }
            .with { Map all -> complete(build, name, step, all) }
    }

    private static Object checked(Build build, String name, Map step, String key, Object value) {
        if (!step.types.containsKey(key)) {
            throw build.refuse("${name}: unknown parameter ${key} (known: ${step.types.keySet().join(', ')})")
        }
        if (value != null && !TYPES[step.types[key]].isInstance(value)) {
            throw new ClassCastException("${name}: ${key} takes ${TYPES[step.types[key]].simpleName}, not ${value.class.name}")
        }
        value instanceof CharSequence ? value.toString() : value
    }

    private static Map complete(Build build, String name, Map step, Map all) {
        step.required.findAll { name == 'echo' ? !all.containsKey(it) : all[it] == null }.each { throw new IllegalArgumentException("${name}: parameter ${it} is missing") }
        all
    }
}
