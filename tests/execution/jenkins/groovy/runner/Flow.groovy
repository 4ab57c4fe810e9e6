package runner

import hudson.AbortException
import java.util.concurrent.TimeUnit
import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException
import org.jenkinsci.plugins.workflow.support.steps.AgentOfflineException

/**
 * Steps that run a block or wait (workflow-basic-steps@a789b075, workflow-cps@e007b7ff's ParallelStep, pipeline-stage-step@90181c42,
 * pipeline-input-step@d2b888df, lockable-resources@cedfe6ed, workflow-durable-task-step@46cb22ff's ExecutorStep).
 */
class Flow {
    /** WaitForConditionStep: from a quarter of a second to a quarter of a minute, growing by a fifth. */
    private static final long SHORTEST = 250
    private static final long LONGEST = 15_000

    private final Build build

    Flow(Build build) {
        this.build = build
    }

    Object stage(String name, Closure body) {
        Frame outer = Frame.current()
        StageNode node = new StageNode(name, build.stages.size())
        build.stages << node
        Frame frame = outer.with(stages: outer.stages + node, overrides: outer.overrides + [[STAGE_NAME: name]])
        build.event(kind: 'stage', stage: name)
        try {
            return frame.during {
                build.abortPoint('stage', frame)
                body.call()
            }
        } catch (Throwable error) {
            node.worsen(error instanceof FlowInterruptedException ? error.result : 'FAILURE')
            throw error
        } finally {
            outer.stages.each { it.worsen(node.result) }
            build.event(kind: 'stage-end', stage: name, result: node.skipped ? 'SKIPPED' : node.result)
        }
    }

    Object node(String label, Closure body) {
        Frame outer = Frame.current()
        Allocation agent = Allocation.take(build, outer, label)
        build.event(kind: 'node', label: agent.label, allocation: agent.number, stage: Steps.stageName(outer), workspace: agent.workspace.path)
        Frame frame = outer.with(allocation: agent, folder: agent.workspace, container: null)
        try {
            return frame.during {
                build.abortPoint('node', frame)
                body.call()
            }
        } finally {
            agent.release()
            build.event(kind: 'node-end', label: agent.label, allocation: agent.number)
        }
    }

    void catchError(Map options, Closure body) {
        Frame frame = Frame.current()
        String buildResult = options.containsKey('buildResult') ? Result.parse(options.buildResult ?: 'SUCCESS') : 'FAILURE'
        String stageResult = options.containsKey('stageResult') ? Result.parse(options.stageResult ?: 'SUCCESS') : 'SUCCESS'
        try {
            body.call()
        } catch (Throwable error) {
            build.own(error)
            boolean interruption = error instanceof FlowInterruptedException
            if (options.catchInterruptions == false && interruption && error.actualInterruption) {
                throw error
            }
            if (options.message) {
                build.print(frame, "ERROR: ${options.message}")
            }
            build.print(frame, error instanceof AbortException ? "ERROR: ${error.message}" : error.toString())
            if (interruption) {
                buildResult = error.result
                stageResult = error.result
            }
            build.event(kind: 'caught', error: frame.mask(error.toString()), buildResult: buildResult, stageResult: stageResult, stage: Steps.stageName(frame))
            if (buildResult != 'SUCCESS') {
                build.worsen(buildResult)
            }
            if (stageResult != 'SUCCESS') {
                build.warn(frame, stageResult)
            }
        }
    }

    /** The first interruption is an ordinary one; what still runs after the grace period is interrupted again. */
    Object timeout(long milliseconds, Closure body) {
        Object scope = new Object()
        Frame outer = Frame.current()
        Timer timer = new Timer(true)
        Closure expire = {
            build.event(kind: 'timeout', stage: Steps.stageName(outer))
            build.interrupt(new FlowInterruptedException('ABORTED', true, scope, ['Timeout has been exceeded'])) { Frame frame -> frame.scopes.any { it.is(scope) } }
        }
        long delay = (long) (milliseconds * build.scenario.time_scale)
        timer.schedule(expire as TimerTask, delay, (long) (build.scenario.grace_period * 1000))
        try {
            return outer.with(scopes: outer.scopes + scope).during(body)
        } catch (FlowInterruptedException interruption) {
            if (interruption.origin.is(scope)) {
                interruption.actualInterruption = false
            }
            throw interruption
        } finally {
            timer.cancel()
        }
    }

    Object retry(int count, List<Map> conditions, Closure body) {
        int left = count
        while (true) {
            try {
                return body.call()
            } catch (Throwable error) {
                build.own(error)
                left--
                if (left <= 0 || !again(error, conditions)) {
                    throw error
                }
                build.event(kind: 'retry', left: left, error: Frame.current().mask(error.toString()))
                build.print(Frame.current(), "ERROR: ${error.message}\nRetrying")
            }
        }
    }

    private boolean again(Throwable error, List<Map> conditions) {
        if (!conditions) {
            return !(error instanceof FlowInterruptedException) || !error.actualInterruption
        }
        conditions.any { Map condition ->
            if (!(condition.$class in ['agent', 'nonresumable'])) {
                throw build.refuse("retry: condition ${condition}")
            }
            boolean lost = error instanceof FlowInterruptedException && error.origin instanceof Allocation
            condition.$class == 'agent' && (error instanceof AgentOfflineException || error instanceof MissingAgent || lost)
        }
    }

    void waitUntil(long initial, Closure body) {
        Frame frame = Frame.current()
        long period = Math.max(SHORTEST, Math.min(initial, LONGEST))
        while (true) {
            Object value = body.call()
            if (!(value instanceof Boolean)) {
                throw new ClassCastException("body return value ${value} is not boolean")
            }
            if (value) {
                return
            }
            build.pause(frame, period)
            period = Math.min((long) (period * 1.2f), LONGEST)
        }
    }

    /** Branches in the order of the map; the error of the step is the worst by ParallelStep.ThrowableComparator. */
    Map parallel(Map given) {
        boolean failFast = given.failFast == true
        Map branches = given.findAll { name, value -> name != 'failFast' }
        branches.findAll { name, value -> !(value instanceof Closure) }.each { throw new IllegalArgumentException("Expected a closure or failFast but found ${it.key}=${it.value}") }
        if (branches.isEmpty()) {
            build.print(Frame.current(), 'No branches to run')
            return [:]
        }
        Frame outer = Frame.current()
        Object scope = new Object()
        Map results = Collections.synchronizedMap([:])
        List<Throwable> failures = []
        List<Thread> threads = branches.collect { name, body ->
            branch(name.toString(), outer.with(scopes: outer.scopes + scope)) {
                try {
                    results[name.toString()] = ((Closure) body).call()
                } catch (Throwable error) {
                    build.print(outer, "Failed in branch ${name}")
                    boolean first = failures.empty
                    failures << error
                    if (failFast && first) {
                        build.interrupt(new FlowInterruptedException('ABORTED', true, scope, ["Failed in branch ${name}".toString()])) { Frame frame -> frame.scopes.any { it.is(scope) } }
                    }
                }
            }
        }
        build.turn.unlock()
        try {
            threads*.join()
        } finally {
            build.turn.lock()
        }
        if (failures) {
            throw worst(failures, failFast)
        }
        results
    }

    private Thread branch(String name, Frame frame, Closure body) {
        Wait start = new Wait(frame)
        build.waits << start
        Thread thread = new Thread(null, {
            build.turn.lock()
            try {
                build.waits.remove(start)
                frame.during {
                    build.event(kind: 'branch', name: name)
                    start.cause == null ? body.call() : { throw start.cause }.call()
                    build.event(kind: 'branch-end', name: name)
                }
            } finally {
                build.turn.unlock()
            }
        }, name)
        thread.daemon = true
        thread.start()
        while (!build.turn.hasQueuedThread(thread)) {
            Thread.sleep(1)
        }
        thread
    }

    private static Throwable worst(List<Throwable> failures, boolean failFast) {
        List<Throwable> different = failures.toSet().size() == failures.size() ? failures : new ArrayList<>(new LinkedHashSet<>(failures))
        List<Throwable> ordered = failFast ? different : different.sort(false) { Throwable error ->
            RunnerError.isInstance(error) ? -1 : FlowInterruptedException.isInstance(error) ? 100 - Result.ORDER.indexOf(error.result) : AbortException.isInstance(error) ? 1 : 0
        }
        Throwable head = ordered.find { it instanceof RunnerError } ?: ordered[0]
        ordered.findAll { !it.is(head) }.each { head.addSuppressed(it) }
        head
    }

    Object lock(Map args, Closure body) {
        Map rest = args.findAll { name, value -> !(name in ['resource', 'extra', 'variable', 'skipIfLocked', 'inversePrecedence', 'reason', 'priority']) }
        List<String> wanted = ([args.resource] + (args.extra ?: []).collect { it.resource }).findAll { it }
        if (rest || wanted.empty) {
            throw build.refuse("lock with ${args}: only named resources are known to this runner")
        }
        Frame frame = Frame.current()
        Object owner = new Object()
        if (!build.controller.take(wanted, owner)) {
            build.event(kind: 'lock-wait', resources: wanted, stage: Steps.stageName(frame))
            if (args.skipIfLocked) {
                return null
            }
            try {
                build.await(frame) { Wait wait ->
                    while (wait.sleep(20) && !build.controller.take(wanted, owner)) {
                        // Another try after the pause.
                    }
                }
            } catch (Throwable interrupted) {
                build.controller.release(wanted, owner)
                throw interrupted
            }
        }
        build.event(kind: 'lock', resources: wanted, stage: Steps.stageName(frame))
        try {
            Map variable = args.variable ? [(args.variable): wanted.join(',')] : [:]
            Frame inner = frame.with(overrides: frame.overrides + [variable])
            return inner.during {
                build.abortPoint('lock', inner, [resource: wanted[0]])
                body.call()
            }
        } finally {
            build.controller.release(wanted, owner)
            build.event(kind: 'unlock', resources: wanted, stage: Steps.stageName(frame))
        }
    }

    /**
     * The scenario's answer by id or message: `{"proceed": {NAME: VALUE}}` or `{"abort": true}`, after `after`
     * seconds; without one nobody answers. A single value comes alone, several as a map.
     */
    Object input(Map args) {
        Frame frame = Frame.current()
        Map answers = (Map) build.scenario.inputs
        Map answer = (Map) answers[args.id && answers.containsKey(args.id) ? args.id : args.message]
        build.event(kind: 'input', id: args.id, message: args.message, answered: answer != null, stage: Steps.stageName(frame), allocation: frame.allocation?.number)
        build.abortPoint('input', frame)
        long delay = answer == null ? TimeUnit.DAYS.toMillis(1000) : (long) ((answer.after ?: 0) * 1000)
        build.await(frame) { Wait wait -> wait.sleep(delay) }
        if (answer.abort) {
            build.event(kind: 'input-end', proceed: false)
            throw new FlowInterruptedException('ABORTED', true, null, ['Rejected by the scenario'])
        }
        Map values = (args.parameters ?: []).collectEntries { Map parameter -> [parameter.name, parameter.defaultValue] } + (answer.proceed ?: [:])
        Set known = ((args.parameters ?: []).collect { it.name } + [args.submitterParameter]).toSet()
        if (!values.keySet().every { it in known }) {
            throw build.refuse("scenario: the input takes ${known}, not ${values.keySet()}")
        }
        build.event(kind: 'input-end', proceed: true)
        values.size() == 1 ? values.values().first() : values ?: null
    }
}
