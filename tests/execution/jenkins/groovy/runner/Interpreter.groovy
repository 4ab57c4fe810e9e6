package runner

import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/**
 * Run a declarative model in ModelInterpreter's order (pipeline-model-definition@42c9dc3e).
 *
 * Stages: options, then (when beforeInput) input, then (when beforeAgent) agent with its checkout, then when,
 * environment, steps, post. A stage that follows an error is entered and skipped. Post of a stage with stages or
 * parallel runs after them all; post of the pipeline is in a stage `Declarative: Post Actions`.
 */
class Interpreter {
    private final JenkinsScript script
    private final Build build
    private final Map model
    private Map<String, List> options

    Interpreter(JenkinsScript script, Map model) {
        this.script = script
        this.build = JenkinsScript.of(script)
        this.model = model
    }

    Object run() {
        options = Options.read(build, (List) model.options)
        (model.parameters + model.triggers).each { Map given ->
            build.event(kind: 'property', name: given.name, arguments: given.arguments.call().collect { it.toString() })
        }
        Throwable error = null
        boolean posted = false
        try {
            inAgent((Map) model.agent, false, options) {
                inEnvironment((List) model.environment) {
                    inWrappers(options) {
                        error = sequence((List) model.stages, null, null, false)
                        posted = true
                        error = postOfBuild(error)
                        if (error != null) {
                            throw error
                        }
                    }
                }
            }
        } catch (Throwable thrown) {
            error = error ?: thrown
        }
        if (!posted) {
            error = postOfBuild(error)
        }
        if (error != null) {
            throw error
        }
        null
    }

    private Throwable postOfBuild(Throwable error) {
        Throwable after = error
        if (satisfied((Map) model.post, null, error)) {
            try {
                stage('Declarative: Post Actions') {
                    after = post((Map) model.post, (Map) model.agent, error, null)
                }
            } catch (Throwable thrown) {
                after = after ?: thrown
            }
        }
        after
    }

    private Object stage(String name, Closure body) {
        JenkinsScript.steps(script).flow.stage(name, body)
    }

    /** Run stages one after the other; the first error skips the later ones, which are entered all the same. */
    private Throwable sequence(List<Map> stages, Throwable error, Map parentAgent, boolean skipping) {
        Throwable first = error
        stages.each { Map stage ->
            try {
                evaluate(stage, parentAgent ?: (Map) model.agent, first, skipping)
            } catch (Throwable thrown) {
                first = first ?: thrown
            }
        }
        first
    }

    private void evaluate(Map stage, Map parentAgent, Throwable error, boolean skipping) {
        this.stage((String) stage.name) {
            boolean skip = skipping || error != null || afterUnstable()
            Throwable failure = error
            try {
                if (skip) {
                    skipped(stage, parentAgent, error)
                } else {
                    skip = !attempt(stage, parentAgent)
                    if (skip) {
                        skipped(stage, parentAgent, null)
                    }
                }
            } catch (Throwable thrown) {
                failure = failure ?: thrown
            }
            if (!skip && stage.parallel != null && satisfied((Map) stage.post, (String) stage.name, failure)) {
                failure = post((Map) stage.post, (Map) stage.agent ?: parentAgent, failure, (String) stage.name)
            }
            if (failure != null) {
                throw failure
            }
        }
    }

    private boolean afterUnstable() {
        build.result == 'UNSTABLE' && Options.set(options, 'skipStagesAfterUnstable')
    }

    private void skipped(Map stage, Map parentAgent, Throwable error) {
        StageNode node = Frame.current().stages.last()
        node.skipped = true
        build.print(Frame.current(), "Stage \"${stage.name}\" skipped")
        (stage.parallel ?: stage.stages ?: []).each { Map inner ->
            try {
                evaluate(inner, parentAgent, error, true)
            } catch (Throwable same) {
                if (!same.is(error)) {
                    throw same
                }
            }
        }
    }

    /** False when the stage's conditions don't hold. */
    private boolean attempt(Map stage, Map parentAgent) {
        When when = new When(script, (Map) stage.when)
        Map<String, List> own = Options.read(build, (List) stage.options)
        if (when.holds('beforeOptions')) {
            inWrappers(own) {
                if (when.holds('beforeInput')) {
                    inInput((Map) stage.input) {
                        if (stage.parallel != null) {
                            if (when.holds(null)) {
                                inEnvironment((List) stage.environment) { branches(stage, parentAgent) }
                            }
                        } else if (when.holds('beforeAgent')) {
                            inAgent((Map) stage.agent, true, options + own) {
                                if (when.holds(null)) {
                                    inEnvironment((List) stage.environment) { content(stage, parentAgent) }
                                }
                            }
                        }
                    }
                }
            }
        }
        when.passed
    }

    private void branches(Map stage, Map parentAgent) {
        Map<String, Object> branches = [:]
        stage.parallel.each { Map inner ->
            branches[(String) inner.name] = { evaluate(inner, (Map) stage.agent ?: parentAgent, null, false) }
        }
        if (stage.failFast || Options.set(options, 'parallelsAlwaysFailFast')) {
            branches.failFast = true
        }
        JenkinsScript.steps(script).flow.parallel(branches)
    }

    private void content(Map stage, Map parentAgent) {
        Map agent = (Map) stage.agent ?: parentAgent
        Throwable error = null
        if (stage.stages != null) {
            error = sequence((List) stage.stages, null, agent, false)
        } else {
            try {
                withNodeCheck(agent) { stage.steps.call() }
            } catch (Throwable thrown) {
                error = thrown
            }
        }
        if (satisfied((Map) stage.post, (String) stage.name, error)) {
            error = post((Map) stage.post, agent, error, (String) stage.name)
        }
        if (error != null) {
            throw error
        }
    }

    private Object withNodeCheck(Map agent, Closure body) {
        try {
            return body.call()
        } catch (MissingAgent missing) {
            if (agent == null || agent.type == 'none') {
                throw new hudson.AbortException('Attempted to execute a step that requires a node context while ‘agent none’ was specified. ' +
                    'Be sure to specify your own ‘node { ... }’ blocks when using ‘agent none’.')
            }
            throw missing
        }
    }

    private Object inAgent(Map agent, boolean inStage, Map<String, List> options, Closure body) {
        if (agent == null || agent.type == 'none') {
            return body.call()
        }
        String label = agent.label == null ? null : agent.label.call().toString()
        JenkinsScript.steps(script).flow.node(label) {
            if (Options.set(options, 'skipDefaultCheckout')) {
                return body.call()
            }
            Map facts = [:]
            Closure fetch = { facts = Scm.checkout(build, Frame.current(), null) }
            inStage ? fetch.call() : stage('Declarative: Checkout SCM', fetch)
            Frame frame = Frame.current()
            frame.with(overrides: frame.overrides + [facts]).during(body)
        }
    }

    private Object inEnvironment(List<Map> variables, Closure body) {
        inVariables((variables ?: []).findAll { it.credentials } + (variables ?: []).findAll { !it.credentials }, body)
    }

    /** One after the other, so that a value may name an earlier variable; credentials come first, as in Jenkins. */
    private Object inVariables(List<Map> variables, Closure body) {
        if (variables.empty) {
            return body.call()
        }
        Map variable = variables.head()
        Frame frame = Frame.current()
        Object value = variable.value.call()
        Closure rest = { inVariables(variables.tail(), body) }
        if (variable.credentials) {
            Credentials.Bound bound = Credentials.ofDirective(build, frame, (String) variable.name, value.toString())
            return Credentials.during(build, frame, bound, rest)
        }
        frame.with(overrides: frame.overrides + [[(variable.name): String.valueOf(value)]]).during(rest)
    }

    private Object inWrappers(Map<String, List> options, Closure body) {
        List<String> names = options.keySet().findAll { it in Options.WRAPPERS }.toList()
        names.reverse().inject(body) { Closure inner, String name ->
            return { JenkinsScript.steps(script).invoke(name, options[name] + [inner]) }
        }.call()
    }

    private Object inInput(Map input, Closure body) {
        if (input == null) {
            return body.call()
        }
        List<Map> parameters = (input.parameters ?: []).collect { Map given -> JenkinsScript.steps(script).invoke((String) given.name, (List) given.arguments.call()) }
        Map arguments = input.findAll { name, value -> name != 'parameters' }.collectEntries { name, value -> [name, value.call()] }
        Object answer = JenkinsScript.steps(script).invoke('input', [arguments + (parameters ? [parameters: parameters] : [:])])
        if (parameters.empty && !input.submitterParameter) {
            return body.call()
        }
        Map values = answer instanceof Map ? answer : [(input.submitterParameter ? arguments.submitterParameter : parameters[0].name): answer]
        Frame frame = Frame.current()
        frame.with(overrides: frame.overrides + [values.collectEntries { name, value -> [name, value.toString()] }]).during(body)
    }

    private boolean satisfied(Map post, String stage, Throwable error) {
        post != null && DeclarativeTransform.POST.any { post.containsKey(it) && meets(it, stage, error) }
    }

    /** Post conditions in BuildCondition's order; an error in one doesn't keep the others from running. */
    private Throwable post(Map post, Map agent, Throwable error, String stage) {
        Throwable first = error
        DeclarativeTransform.POST.findAll { post.containsKey(it) }.each { String condition ->
            String original = build.result
            String logical = combined(stage, first)
            if (!meets(condition, stage, first)) {
                return
            }
            build.event(kind: 'post', condition: condition, stage: stage)
            try {
                build.result = logical
                withNodeCheck(agent) { post[condition].call() }
            } catch (Throwable thrown) {
                build.print(Frame.current(), "Error when executing ${condition} post condition:\n${thrown}")
                first = first ?: thrown
            } finally {
                if (build.result == logical && logical != original) {
                    build.result = original
                }
            }
        }
        first
    }

    /** BuildCondition.getCombinedResult: the build's result, the stage's warnings, and the error. */
    private String combined(String stage, Throwable error) {
        String own = stage == null ? 'SUCCESS' : Frame.current().stages.findAll { it.name == stage }.collect { it.result }.find { true } ?: 'SUCCESS'
        if (error != null) {
            own = error instanceof FlowInterruptedException ? error.result : 'FAILURE'
        }
        Result.worst(build.result ?: 'SUCCESS', own)
    }

    private boolean meets(String condition, String stage, Throwable error) {
        String previous = build.scenario.previous ? build.scenario.previous[0].result : null
        String ofBuild = combined(null, error)
        String ofStage = combined(stage, error)
        switch (condition) {
            case ['always', 'cleanup']: return true
            case 'changed': return previous == null || ofBuild != previous
            case 'fixed': return previous in ['FAILURE', 'UNSTABLE'] && ofBuild == 'SUCCESS'
            case 'regression': return previous != null && Result.worse(ofBuild, previous)
            case 'unsuccessful': return ofStage != 'SUCCESS'
            case 'notBuilt': return ofStage == 'NOT_BUILT'
            default: return ofStage == condition.toUpperCase(Locale.ENGLISH)
        }
    }
}
